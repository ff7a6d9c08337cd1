import NIOHTTP1

/// What a file is to a conditional request: its strong validator, and when it was last written.
struct Validators: Hashable, Sendable {
    /// With its quotes.
    var entityTag: String
    var lastModified: HTTPDate
}

/// The conditions of a GET or HEAD, in the order of RFC 9110, section 13.2.2.
enum Preconditions: Hashable, Sendable {
    /// Answer; a `Range` header counts only when `takesRange`.
    case met(takesRange: Bool)
    /// 304
    case notModified
    /// 412
    case failed

    init(_ headers: HTTPHeaders, _ validators: Validators) {
        if let tags = Self.list(headers, "If-Match") {
            guard Self.matches(tags, validators, weakly: false) else {
                self = .failed
                return
            }
        } else if let date = headers.first(name: "If-Unmodified-Since").flatMap({ HTTPDate($0) }),
            validators.lastModified > date
        {
            self = .failed
            return
        }
        if let tags = Self.list(headers, "If-None-Match") {
            if Self.matches(tags, validators, weakly: true) {
                self = .notModified
                return
            }
        } else if let date = headers.first(name: "If-Modified-Since").flatMap({ HTTPDate($0) }),
            validators.lastModified <= date
        {
            self = .notModified
            return
        }
        self = .met(takesRange: Self.takesRange(headers.first(name: "If-Range"), validators))
    }

    /// `If-Range` holds one strong tag or one date; on a mismatch the whole file is sent (RFC 9110, section 13.1.5).
    private static func takesRange(_ condition: String?, _ validators: Validators) -> Bool {
        guard let condition else { return true }
        if condition.hasPrefix("\"") { return condition == validators.entityTag }
        return HTTPDate(condition) == validators.lastModified
    }

    private static func list(_ headers: HTTPHeaders, _ name: String) -> [String]? {
        let values = headers[name]
        guard !values.isEmpty else { return nil }
        return values.flatMap { $0.split(separator: ",") }.map { String($0.trimmingBlanks()) }
    }

    private static func matches(_ tags: [String], _ validators: Validators, weakly: Bool) -> Bool {
        tags.contains { tag in
            tag == "*" || tag == validators.entityTag || weakly && tag == "W/" + validators.entityTag
        }
    }
}
