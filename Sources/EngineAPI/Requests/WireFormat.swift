import HTTPTypes
import Hummingbird

/// The two ways in which the API writes the same things.
enum WireFormat: Hashable, Sendable {
    case json
    case xml

    /// What an answer is written in: whichever `Accept` weighs more (RFC 9110, section 12.5.1). Where it does not tell them
    /// apart, as that of curl, what the body came in; else JSON.
    init(answerTo request: Request) {
        let accepted = request.headers[values: .accept].joined(separator: ",").lowercased()
        let json = Self.weight(of: ["application/json"], in: accepted)
        let xml = Self.weight(of: ["application/xml", "text/xml"], in: accepted)
        self = json == xml ? WireFormat(bodyOf: request) : json < xml ? .xml : .json
    }

    /// What a body is written in.
    init(bodyOf request: Request) {
        let type = request.headers[.contentType]?.lowercased() ?? ""
        self = type.contains("xml") ? .xml : .json
    }

    /// Of the range that says most of one of the types; 0 where none does.
    private static func weight(of types: [String], in accepted: String) -> Double {
        var best = (precision: 0, weight: 0.0)
        for range in accepted.split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            let precision =
                switch parts.first {
                case .some(let type) where types.contains(type): 3
                case "application/*": 2
                case "*/*": 1
                default: 0
                }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            if precision > best.precision || precision > 0 && precision == best.precision && quality > best.weight {
                best = (precision, quality)
            }
        }
        return best.weight
    }
}
