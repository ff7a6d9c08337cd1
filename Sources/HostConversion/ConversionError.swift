/// Why a server could not be looked at, converted or taken back, and what to do about it: one sentence each.
package struct ConversionError: Error, Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, Codable {
        /// An address, a user name or another argument is wrong.
        case argument
        /// A program of this machine (ssh, ssh-keygen) is missing.
        case missingTool
        /// A name that does not resolve.
        case name
        /// No route, or the connection was refused.
        case unreachable
        /// No answer in time.
        case timeout
        /// Password, key or agent were not accepted.
        case authentication
        /// The server shows another host key than the one that is pinned.
        case hostKey
        /// The user may not become root.
        case privilege
        /// The user's shell runs no commands.
        case shell
        /// The connection broke while something was under way.
        case connectionLost
        /// The connection stands, and the server gave no sign of life over it.
        case silent
        /// Another run of ours is at work on the server.
        case busy
        /// The server that answers is another machine than the one that was converted.
        case machine
        /// The server answered something that is not an answer.
        case answer
        /// A preflight finding forbids the conversion.
        case blocked
        /// A step failed on the server.
        case step
        /// Files of this machine could not be read or written.
        case files
        /// The task was cancelled.
        case interrupted
    }

    package var kind: Kind
    package var message: String
    package var remedy: String
    /// What the server's program said last: hostile text, at most `detailBytesMax` bytes, escaped for a terminal.
    package var detail: String

    package static let detailBytesMax = 16 << 10

    package init(_ kind: Kind, _ message: String, remedy: String, detail: String = "") {
        (self.kind, self.message, self.remedy, self.detail) = (kind, message, remedy, detail)
    }

    static let interrupted = ConversionError(
        .interrupted,
        "it was interrupted",
        remedy: "start it again: it goes on from the last finished step"
    )
}

extension ConversionError: CustomStringConvertible {
    package var description: String { message }
}
