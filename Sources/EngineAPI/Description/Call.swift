import HTTPTypes
import HostModel

/// A type that a body can be read as.
typealias DescribedType = any (Decodable & SendableMetatype).Type

/// What a call of the API is for, what it takes and what it answers: said where its route is registered, and written down in
/// the OpenAPI document. In debug builds an answer of a type that is not said here is an error of the program.
final class Call: Sendable {
    /// One answer.
    struct Answer: Sendable {
        enum Content: Sendable {
            /// In JSON and XML.
            case value(DescribedType)
            /// Of this media type.
            case text(String)
            case none
        }

        var status: Int
        var content: Content
        var meaning: String
    }

    struct Body: Sendable {
        enum Content: Sendable {
            case value(DescribedType)
            case bytes
        }

        var content: Content
        var isRequired = true
        /// Not in XML.
        var isJSONOnly = false
    }

    /// A field of the query.
    struct Field: Sendable {
        enum Kind: Sendable {
            case text
            case flag
            case number(ClosedRange<Int>)
            case word([String])
        }

        var name: String
        var kind: Kind
        var meaning: String

        init(_ name: String, _ kind: Kind, _ meaning: String) {
            (self.name, self.kind, self.meaning) = (name, kind, meaning)
        }
    }

    let summary: String
    let answers: [Answer]
    let body: Body?
    let query: [Field]
    /// Statuses of refusals beside those that every call of its kind has.
    let refusals: [Int]

    init(_ summary: String, _ answers: [Answer], body: Body? = nil, query: [Field] = [], refusals: [Int] = []) {
        (self.summary, self.answers, self.body, self.query, self.refusals) = (summary, answers, body, query, refusals)
    }

    /// Whether an answer of this type is one of those that are said.
    func permits(_ type: Any.Type) -> Bool {
        answers.contains { answer in
            guard case .value(let known) = answer.content else { return false }
            return ObjectIdentifier(known) == ObjectIdentifier(type)
        }
    }
}

// MARK: - The usual ones

extension Call {
    static let follow = Field("follow", .text, "Links whose ends are to be in the answer: cluster.data_center,tags")
    static let dryRun = Field("dry_run", .flag, "Only say what would be done")
    static let commits = Field(
        "commit_on_success",
        .flag,
        "Keep the change for the host's next start, without commitnetconfig"
    )

    static func max(_ limit: Int = .max) -> Field {
        Field("max", .number(-1...Swift.min(limit, 10_000)), "At most so many; negative: all that one answer may hold")
    }

    static func search(_ fields: [String]) -> [Field] {
        [
            Field("search", .text, "oVirt's language, over \(fields.joined(separator: ", "))"),
            Field("case_sensitive", .flag, "Whether upper and lower case differ"),
        ]
    }

    /// `asksHost`: it is the host that answers, where it is approved and there.
    static func show(_ summary: String, _ type: DescribedType, asksHost: Bool = false) -> Call {
        Call(summary, [.ok(type)], query: [follow], refusals: asksHost ? [409] : [])
    }

    /// `fields`: of searches, where the list can be searched.
    static func list(
        _ summary: String,
        _ type: DescribedType,
        fields: [String]? = nil,
        query: [Field] = [],
        asksHost: Bool = false
    ) -> Call {
        let search = fields.map { Self.search($0) + [max()] } ?? []
        return Call(summary, [.ok(type)], query: [follow] + search + query, refusals: asksHost ? [409] : [])
    }

    static func add(
        _ summary: String,
        _ body: DescribedType,
        _ answer: DescribedType,
        or more: [Answer] = [],
        query: [Field] = []
    ) -> Call {
        let made = Answer(status: 201, content: .value(answer), meaning: "It is made; Location says where it is")
        return Call(summary, [made] + more, body: Body(content: .value(body)), query: query)
    }

    static func change(_ summary: String, _ body: DescribedType, _ answer: DescribedType) -> Call {
        Call(summary, [.ok(answer)], body: Body(content: .value(body)), query: [follow])
    }

    static func remove(_ summary: String, or more: [Answer] = [], query: [Field] = []) -> Call {
        Call(summary, [.done] + more, query: query)
    }

    /// An action that is done when it is answered.
    static func act(
        _ summary: String,
        _ body: (DescribedType)? = nil,
        needsBody: Bool = true,
        isJSONOnly: Bool = false,
        or more: [Answer] = [],
        query: [Field] = []
    ) -> Call {
        let body = body.map { Body(content: .value($0), isRequired: needsBody, isJSONOnly: isJSONOnly) }
        return Call(summary, [.done] + more, body: body, query: query)
    }

    /// An action that goes on in a job.
    static func begin(
        _ summary: String,
        _ body: (DescribedType)? = nil,
        needsBody: Bool = true,
        or more: [Answer] = []
    ) -> Call {
        let body = body.map { Body(content: .value($0), isRequired: needsBody) }
        let pending = Answer(
            status: 202,
            content: .value(ActionResource.self),
            meaning: "It has begun; `job` says how it goes on"
        )
        return Call(summary, [pending] + more, body: body)
    }
}

extension Call.Answer {
    static func ok(_ type: DescribedType, _ meaning: String = "As asked") -> Self {
        Self(status: 200, content: .value(type), meaning: meaning)
    }

    static let done = ok(ActionResource.self, "It is done")
    static func text(_ type: String, _ meaning: String) -> Self {
        Self(status: 200, content: .text(type), meaning: meaning)
    }
    static func nothing(_ status: Int, _ meaning: String) -> Self {
        Self(status: status, content: .none, meaning: meaning)
    }
}
