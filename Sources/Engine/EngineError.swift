/// A refusal: what was wrong, and what to do about it. Both are sentences for a person.
package struct EngineError: Error, Hashable, Sendable {
    package enum Kind: Sendable {
        /// There is no such thing.
        case notFound
        /// The request makes no sense: malformed, out of range.
        case invalid
        /// The request is sound, the state does not allow it.
        case conflict
        case forbidden
        /// A limit is reached; later it may work.
        case tooMany
        /// The engine cannot answer now.
        case unavailable
        /// The engine tried and failed: a full disk, a broken file.
        case failed
    }

    package var kind: Kind
    package var detail: String
    package var remedy: String?

    package init(_ kind: Kind, _ detail: String, remedy: String? = nil) {
        (self.kind, self.detail, self.remedy) = (kind, detail, remedy)
    }
}

extension EngineError: CustomStringConvertible {
    package var description: String { remedy.map { "\(detail) \($0)" } ?? detail }
}
