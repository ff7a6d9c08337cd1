/// Text that is safe at its place in a kickstart file. As with `ScriptValue`, every way to make one escapes for one place.
///
/// pykickstart splits a command into words as a POSIX shell does, without expanding anything; a line that begins with `%`
/// begins or ends a section, one that begins with `#` is a comment. Sections hold shell scripts, in which nothing but a
/// line `%end` is special to kickstart (pykickstart parser.py).
package struct KickstartText: Hashable, Sendable {
    package let text: String

    private init(text: String) { self.text = text }

    /// The rest of a comment's line. What is not plain printable ASCII is percent-encoded.
    package static func comment(_ text: some StringProtocol) -> KickstartText {
        KickstartText(text: ScriptValue.screenText(text).text)
    }

    /// One word of a command, in quotes where it needs them. A control character or one outside ASCII is refused: no
    /// value that belongs here has any.
    package static func word(_ text: some StringProtocol) throws(RecipeError) -> KickstartText {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw .unsafeWord(value: String(text))
        }
        if text.utf8.allSatisfy({ PercentEncoding.isUnreserved($0) || plain.contains($0) }) {
            return KickstartText(text: String(text))
        }
        let inner = text.map { $0 == "\\" || $0 == "\"" ? "\\\($0)" : "\($0)" }
        return KickstartText(text: "\"\(inner.joined())\"")
    }

    private static let plain = Set("=,/:@+%^$".utf8)

    /// One word of a POSIX shell, always in single quotes, so that the shell expands nothing in it. A line break is
    /// refused: a line `%end` would end the section.
    package static func shell(_ text: some StringProtocol) throws(RecipeError) -> KickstartText {
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && $0.isASCII }) else {
            throw .unsafeWord(value: String(text))
        }
        return KickstartText(text: "'" + text.map { $0 == "'" ? "'\\''" : "\($0)" }.joined() + "'")
    }

    /// `http://SERVER/` and path components, each encoded: one word anywhere.
    static func url(_ server: ServerLocation, path: [String]) -> KickstartText {
        KickstartText(text: ScriptValue.url(server, path: path).text)
    }

    /// Lines of commands, their words separated by blanks.
    static func lines(_ lines: [[String]]) throws(RecipeError) -> KickstartText {
        var texts: [String] = []
        for line in lines {
            var words: [String] = []
            for word in line { words.append(try self.word(word).text) }
            texts.append(words.joined(separator: " "))
        }
        return KickstartText(text: texts.joined(separator: "\n"))
    }

    /// Words of the shell, separated by blanks.
    static func shellWords(_ words: [String]) throws(RecipeError) -> KickstartText {
        var texts: [String] = []
        for word in words { texts.append(try shell(word).text) }
        return KickstartText(text: texts.joined(separator: " "))
    }

    /// A script that was rendered from a template of its own, by `KickstartTemplate` alone.
    fileprivate static func rendered(_ text: String) -> KickstartText { KickstartText(text: text) }
}

/// A file of the `kickstart` directory with `{{name}}` placeholders.
struct KickstartTemplate: Hashable, Sendable {
    private let template: TemplateText

    init(name: String, text: String, allowed: Set<String>) throws(RecipeError) {
        template = try TemplateText(name: name, text: text, allowed: allowed)
    }

    func render(_ values: [String: KickstartText]) throws(RecipeError) -> KickstartText {
        .rendered(try template.render(values.mapValues(\.text)))
    }
}
