package import HostModel

/// Text that is safe at its place in an iPXE script.
///
/// There is no way to make one from a plain string: every way here escapes for one place, or refuses. iPXE splits a line
/// into words at white space before it expands `${settings}`; a word that is `||`, `&&` or `;` ends a command, one that
/// begins with `#` ends the line, and a line that ends with `\` goes on in the next (iPXE src/core/exec.c, script.c).
package struct ScriptValue: Hashable, Sendable {
    package let text: String

    private init(text: String) { self.text = text }

    /// The longest text for the screen, in bytes before escaping.
    package static let screenTextMax = 400

    /// Words for an `echo` line. What iPXE would act on, and what is not printable ASCII, is percent-encoded.
    package static func screenText(_ text: some StringProtocol) -> ScriptValue {
        let kept = text.utf8.prefix(screenTextMax)
        let escaped = PercentEncoding.encode(String(decoding: kept, as: UTF8.self)) { byte in
            PercentEncoding.isUnreserved(byte) || screenPunctuation.contains(byte)
        }
        return ScriptValue(text: escaped.isEmpty ? "-" : escaped)
    }

    private static let screenPunctuation = Set(" !()*+,/:<=>?@[]^".utf8)

    /// Words of a kernel command line, in order.
    package static func kernelArguments(_ line: KernelCommandLine) -> ScriptValue {
        ScriptValue(text: line.words.joined(separator: " "))
    }

    /// `http://SERVER/` or `https://SERVER/` and path components, then a query, each value encoded.
    package static func url(
        _ server: ServerLocation,
        path: [String],
        query: [(name: String, value: String)] = []
    ) -> ScriptValue {
        let path = path.map { PercentEncoding.encode($0) }.joined(separator: "/")
        let query = query.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
        let suffix = query.isEmpty ? "" : "?" + query.joined(separator: "&")
        return ScriptValue(text: "\(server.url)/\(path)\(suffix)")
    }

    /// Words for a GRUB menu, as one quoted string: what would end it, and what is not printable ASCII, is percent-encoded.
    package static func grubText(_ text: some StringProtocol) -> ScriptValue {
        let kept = String(decoding: text.utf8.prefix(screenTextMax), as: UTF8.self)
        let escaped = PercentEncoding.encode(kept) {
            PercentEncoding.isUnreserved($0) || screenPunctuation.contains($0)
        }
        return ScriptValue(text: "'" + escaped + "'")
    }

    /// Words of a kernel command line for GRUB's `linux`, each quoted where GRUB would act on it. GRUB passes quotation
    /// marks on with a backslash before them, so a word with one is refused.
    package static func grubArguments(_ line: KernelCommandLine) throws(RecipeError) -> ScriptValue {
        var words: [String] = []
        for word in line.words {
            guard !word.utf8.contains(where: { $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: "\"") }) else {
                throw .unsafeArgument(value: word, reason: "has a quotation mark, which GRUB changes")
            }
            let isPlain = word.utf8.allSatisfy { PercentEncoding.isUnreserved($0) || grubPlain.contains($0) }
            words.append(isPlain ? word : "'" + word + "'")
        }
        return ScriptValue(text: words.joined(separator: " "))
    }

    private static let grubPlain = Set("=,:/+@%".utf8)

    /// Something below a web address that people set, which holds nothing that iPXE acts on.
    package static func url(_ location: WebLocation, path: [String]) -> ScriptValue {
        ScriptValue(text: ([location.rawValue] + path.map { PercentEncoding.encode($0) }).joined(separator: "/"))
    }

    /// A file of this server as GRUB names it by TFTP: `'(tftp,10.77.0.1)/images/…'`, quoted. Debian's signed GRUB has no HTTP.
    static func grubFile(_ server: ServerLocation, path: [String]) -> ScriptValue {
        let path = path.map { PercentEncoding.encode($0) }.joined(separator: "/")
        return ScriptValue(text: "'(tftp,\(server.address))/\(path)'")
    }

    package static func mac(_ mac: MACAddress) -> ScriptValue { ScriptValue(text: mac.description) }
}
