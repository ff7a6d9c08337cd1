import AgentWire
import HostModel
import NIOCore

/// One line of `--progress json`: a step with how far it is, or the last word.
enum InstallerLine: Hashable, Sendable {
    case step(String, done: Int64, total: Int64)
    case done
    case failed(String, remedy: String?)
    /// Anything else: a warning, a program's own words.
    case text(String)

    private struct Members: Decodable {
        var step, result, error, remedy: String?
        var done, total: Int64?
    }

    init(_ line: String) {
        guard line.hasPrefix("{"), let members = try? JSONText.decode(Members.self, from: ByteBuffer(string: line))
        else {
            self = .text(line)
            return
        }
        if let error = members.error {
            self = .failed(error, remedy: members.remedy)
        } else if members.result == "done" {
            self = .done
        } else if let step = members.step {
            self = .step(step, done: max(0, members.done ?? 0), total: max(0, members.total ?? 0))
        } else {
            self = .text(line)
        }
    }
}

/// What is known of a run of the installer so far: its lines in, how it ended out.
struct InstallerTale: Hashable, Sendable {
    private var last: InstallerLine?
    /// The last line that is no progress, for a program that ends without a word of its own.
    private var words = ""

    /// How a run ended without success.
    struct Failure: Error, Hashable, Sendable {
        var code: RPCError.Code
        var sentence: String
        var remedy: String

        var error: RPCError { RPCError(code, "\(sentence) \(remedy)") }
    }

    mutating func take(_ line: InstallerLine) {
        switch line {
        case .text(let text) where text.hasPrefix("error: "):
            if last == nil { last = .failed(String(text.dropFirst(7)), remedy: nil) }
        case .text(let text) where text.hasPrefix("  try: "):
            if case .failed(let sentence, nil)? = last { last = .failed(sentence, remedy: String(text.dropFirst(7))) }
        case .text(let text): words = text
        case .done, .failed: last = line
        case .step: break
        }
    }

    /// `status` is the exit status; `nil` for a program that a signal ended. What tells its progress also says that it is
    /// done.
    func failure(status: Int32?, of command: String, tellsProgress: Bool = true) -> Failure? {
        if status == 0, last == .done || !tellsProgress { return nil }
        let code: RPCError.Code =
            switch status {
            case 64, 65: .badParameters
            case 69, 75: .resourceUnavailable
            default: .general
            }
        if case .failed(let sentence, let remedy)? = last {
            return Failure(code: code, sentence: Self.sentence(sentence), remedy: Self.sentence(remedy ?? Self.look))
        }
        let end = status.map { "with status \($0)" } ?? "by a signal"
        let said = words.isEmpty ? "" : ": \(words)"
        return Failure(code: code, sentence: "muster-agent \(command) ended \(end)\(said).", remedy: Self.look)
    }

    private static let look = "Look at the node's log (muster-agent.log)."

    /// With a capital and a full stop, whatever the program's own style is.
    private static func sentence(_ text: String) -> String {
        let trimmed = String(text.prefix(1000))
        let begun = trimmed.prefix(1).uppercased() + trimmed.dropFirst()
        return [".", "!", "?"].contains(where: begun.hasSuffix) ? begun : begun + "."
    }
}
