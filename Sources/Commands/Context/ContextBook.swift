import HostModel

/// The engines that somebody works with, each under a name, and which of them is meant when none is named.
struct ContextBook: Hashable, Sendable {
    /// Names a context; `nil`, or the name of none, after that one was removed.
    var current: String?
    var contexts: [String: EngineContext]

    enum CodingKeys: String, CodingKey, CaseIterable {
        case current = "current-context"
        case contexts
    }

    /// The longest name of a context.
    static let nameMax = 64

    init(current: String? = nil, contexts: [String: EngineContext] = [:]) {
        (self.current, self.contexts) = (current, contexts)
    }

    /// Letters and digits of ASCII, `.`, `_` and `-`, the last not first: a name stands in options and paths.
    static func isName(_ text: String) -> Bool {
        (1...nameMax).contains(text.utf8.count) && text.first != "-" && text.allSatisfy(isNameCharacter)
    }

    static func isNameCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
    }

    /// The name that is meant: the one given, else the current one. Throws when there is none of it.
    func name(_ chosen: String?) throws(UserError) -> String {
        guard let name = chosen ?? current else { throw contexts.isEmpty ? .notLoggedIn : .noCurrentContext }
        guard contexts[name] != nil else {
            guard chosen != nil else { throw .noCurrentContext }
            throw UserError(
                .configuration,
                "there is no context \(terminalEscaped(name.prefix(Self.nameMax)))",
                remedy: "muster context list; or muster login URL --context NAME, which makes one"
            )
        }
        return name
    }

    func context(_ chosen: String?) throws(UserError) -> EngineContext {
        let name = try name(chosen)
        guard let context = contexts[name] else { throw .notLoggedIn }
        return context
    }
}

extension ContextBook: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(current, forKey: .current)
        try container.encode(contexts, forKey: .contexts)
    }
}

extension UserError {
    fileprivate static let noCurrentContext = UserError(
        .configuration,
        "no context is the current one",
        remedy: "muster context use NAME, or name one with --context; muster context list shows them"
    )
}
