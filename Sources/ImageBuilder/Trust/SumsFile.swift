import HostModel

/// `SHA256SUMS` in the one form that the builder writes, a subset of what sha256sum(1) reads: lower-case digits, two spaces,
/// a plain file name. Strict, so that no bit of it can change without being noticed.
struct SumsFile: Equatable {
    struct Line: Equatable {
        var sha256: Nonce
        var name: String
    }

    /// The most lines, and the largest file read, in bytes.
    static let linesMax = 64
    static let bytesMax = 16 << 10

    var lines: [Line]

    init(lines: [Line]) { self.lines = lines }

    /// `nil` unless every line has that form and every name stands once.
    init?(_ text: String) {
        guard text.hasSuffix("\n"), text.utf8.count <= Self.bytesMax else { return nil }
        var lines: [Line] = []
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            let digits = line.prefix(64)
            let name = String(line.dropFirst(66))
            guard let sha256 = Nonce(hex: digits), sha256.description == digits, line.dropFirst(64).prefix(2) == "  ",
                ImageReference.isComponent(name), lines.count < Self.linesMax,
                !lines.contains(where: { $0.name == name })
            else { return nil }
            lines.append(Line(sha256: sha256, name: name))
        }
        guard !lines.isEmpty else { return nil }
        self.lines = lines
    }

    var text: String { lines.map { "\($0.sha256)  \($0.name)\n" }.joined() }
}
