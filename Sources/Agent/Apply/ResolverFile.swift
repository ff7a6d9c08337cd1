package import SystemPackage

/// resolv.conf(5), as far as its `nameserver` lines.
package struct ResolverFile: Sendable {
    package let path: FilePath

    package init(_ path: FilePath) { self.path = path }

    /// In order; none when there is no file.
    package func nameservers() throws(FileFailure) -> [String] {
        guard let bytes = try readFile(path) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            return words.first == "nameserver" && words.count > 1 ? String(words[1]) : nil
        }
    }

    /// Replaces the file; other lines of it (search, options) stay.
    package func write(_ servers: [String]) throws(FileFailure) {
        let text = String(decoding: try readFile(path) ?? [], as: UTF8.self)
        let others = text.split(separator: "\n").filter { !$0.hasPrefix("nameserver") }.map(String.init)
        let lines = others + servers.map { "nameserver \($0)" }
        let directory = NodeDirectory(path.removingLastComponent())
        try directory.write(
            Array(lines.map { $0 + "\n" }.joined().utf8),
            to: path.lastComponent?.string ?? "resolv.conf"
        )
    }
}
