/// The words of a kernel command line, split and unquoted as the kernel does (`next_arg` in lib/cmdline.c).
///
/// White space ends a word unless it stands between double quotes; quotes around a whole word or a whole value are
/// dropped; there is no escape. Words that nobody knows are kept.
package struct KernelArguments: Hashable, Sendable {
    /// One word: `name` or `name=value`.
    package struct Word: Hashable, Sendable {
        package var name: String
        /// `nil` when the word has no `=`.
        package var value: String?

        package init(_ name: String, _ value: String? = nil) { (self.name, self.value) = (name, value) }
    }

    /// In the order of the line.
    package let words: [Word]

    /// The longest line read, in bytes; the rest is ignored. The kernel's own limit is 2048 on x86 and 4096 on s390.
    package static let bytesMax = 4096

    package init(_ line: some StringProtocol) {
        var words: [Word] = []
        var rest = Array(line.utf8.prefix(Self.bytesMax))[...]
        while let word = Self.nextWord(&rest) { words.append(word) }
        self.words = words
    }

    private init(words: [Word]) { self.words = words }

    /// These words and then those of another line, which win.
    package func followed(by other: KernelArguments) -> KernelArguments { KernelArguments(words: words + other.words) }

    /// The values of every word of that name, in order; a word without `=` counts as an empty value.
    package func values(_ name: String) -> [String] { words.filter { $0.name == name }.map { $0.value ?? "" } }

    /// The value of the last word of that name: later words win, as in the kernel.
    package subscript(name: String) -> String? { values(name).last }

    private static let quote = UInt8(ascii: "\"")

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static func nextWord(_ rest: inout ArraySlice<UInt8>) -> Word? {
        rest = rest.drop(while: isSpace)
        guard !rest.isEmpty else { return nil }
        let isQuoted = rest.first == quote
        if isQuoted { rest = rest.dropFirst() }
        var inQuotes = isQuoted
        var end = rest.startIndex
        while end < rest.endIndex, inQuotes || !isSpace(rest[end]) {
            if rest[end] == quote { inQuotes.toggle() }
            end += 1
        }
        defer { rest = rest[end...] }
        return word(rest[..<end], isQuoted: isQuoted)
    }

    private static func word(_ bytes: ArraySlice<UInt8>, isQuoted: Bool) -> Word {
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > bytes.startIndex else {
            return Word(text(isQuoted ? withoutFinalQuote(bytes) : bytes))
        }
        var value = bytes[(equals + 1)...]
        if value.first == quote {
            value = withoutFinalQuote(value.dropFirst())
        } else if isQuoted {
            value = withoutFinalQuote(value)
        }
        return Word(text(bytes[..<equals]), text(value))
    }

    private static func withoutFinalQuote(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes.last == quote ? bytes.dropLast() : bytes
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// A kernel argument that is known but whose value is not usable. The others still count.
package struct KernelArgumentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The word as it stands on the command line; hostile until escaped.
    package var argument: HostileText
    /// What is wrong with it, as the end of a sentence.
    package var reason: String

    package init(_ name: String, _ value: String, _ reason: String) {
        (self.argument, self.reason) = (HostileText("\(name)=\(value)"), reason)
    }

    /// Safe on a terminal.
    package var description: String { "kernel argument \(argument.escapedForTerminal) is ignored: \(reason)" }
}
