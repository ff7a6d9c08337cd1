import Archive
import HostModel

/// What a site puts into a finished image: kernel arguments that a node reads as if they stood on its command line, and the
/// engine's CA. They lie in the initramfs as `/etc/muster/site/`.
package struct SiteValues: Hashable, Sendable {
    /// The longest line of arguments and the largest CA certificate, in bytes.
    package static let argumentsBytesMax = 2048
    package static let authorityBytesMax = 32 << 10

    /// Kernel arguments, one word each.
    package let arguments: [String]
    /// The engine's CA in PEM; `nil` when only its fingerprint is given, or nothing.
    package let authority: String?

    /// Refuses what a node would not read as one word of its command line, and known arguments with an unusable value.
    package init(arguments: [String], authority: String? = nil) throws(BuildError) {
        for word in arguments where !Self.isWord(word) {
            throw BuildError(
                .definition,
                "the argument \(terminalEscaped(word.prefix(128))) is not one word of printable ASCII without quotes",
                remedy: "write it as NAME or NAME=VALUE"
            )
        }
        let line = arguments.joined(separator: " ")
        guard line.utf8.count <= Self.argumentsBytesMax, (authority?.utf8.count ?? 0) <= Self.authorityBytesMax else {
            throw BuildError(
                .definition,
                "the site's arguments are over \(Self.argumentsBytesMax) bytes, or its CA is over "
                    + "\(Self.authorityBytesMax >> 10) KiB",
                remedy: "leave some of the arguments to the boot profile, and name one CA certificate"
            )
        }
        if let refused = NodeArguments(KernelArguments(line)).refused.first {
            throw BuildError(.definition, "the \(refused.unusable)", remedy: "see docs/node.md for its form")
        }
        (self.arguments, self.authority) = (arguments, authority)
    }

    package var isEmpty: Bool { arguments.isEmpty && authority == nil }

    private static func isWord(_ word: String) -> Bool {
        !word.isEmpty && word.utf8.allSatisfy { (33...126).contains($0) && $0 != UInt8(ascii: "\"") }
    }
}

extension KernelArgumentError {
    /// Of an argument that nobody has ignored yet.
    fileprivate var unusable: String {
        "kernel argument \(argument.escapedForTerminal) cannot be used: \(reason)"
    }
}

/// The bytes of an area: a cpio archive with the site's values, and zeros behind it.
struct SiteContent: Equatable {
    static let folder = "etc/muster/site"
    private static let argumentsPath = folder + "/arguments"
    private static let authorityPath = folder + "/ca.pem"
    private static let originPath = folder + "/origin"

    var values: SiteValues
    /// SHA-256 of the image without any values.
    var original: Nonce
    /// Zeros in front of the area, 0 to 3, where it was appended.
    var padding: Int

    /// `nil` when it does not fit.
    func encode(size: Int) throws -> [UInt8]? {
        var tree = FileTree()
        func add(_ text: String, at path: String) throws {
            guard let path = TreePath(path) else { return }
            try tree.add(.file(.bytes(Array(text.utf8)), mode: 0o644), at: path)
        }
        try add(values.arguments.joined(separator: " ") + "\n", at: Self.argumentsPath)
        try add("sha256 \(original)\npadding \(padding)\n", at: Self.originPath)
        if let authority = values.authority { try add(authority, at: Self.authorityPath) }
        let bytes = NewcArchive.encode(tree)
        return bytes.count <= size ? bytes + [UInt8](repeating: 0, count: size - bytes.count) : nil
    }

    /// `nil` for bytes that `encode` did not make. The same values have one form, so every changed bit shows or is another
    /// value.
    init?(_ bytes: [UInt8]) {
        guard let files = NewcArchive.decode(bytes)?.files, let line = files[Self.argumentsPath],
            let origin = files[Self.originPath].map({ String(decoding: $0, as: UTF8.self) }),
            let words = origin.wholeMatch(of: /sha256 ([0-9a-f]{64})\npadding ([0-3])\n/)?.output,
            let original = Nonce(hex: words.1), let padding = Int(words.2)
        else { return nil }
        let arguments = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\n" }.map(String.init)
        let authority = files[Self.authorityPath].map { String(decoding: $0, as: UTF8.self) }
        guard let values = try? SiteValues(arguments: arguments, authority: authority) else { return nil }
        self.init(values: values, original: original, padding: padding)
        guard (try? encode(size: bytes.count)) == bytes else { return nil }
    }

    init(values: SiteValues, original: Nonce, padding: Int) {
        (self.values, self.original, self.padding) = (values, original, padding)
    }
}
