/// Why the live root did not come up: one sentence of cause and one of what to do, each without a full stop, both safe on
/// a terminal.
package struct LiveRootFailure: Error, Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// The kernel argument says nothing that can be done.
        case argument
        /// No answer, or none that helps: it may be better next time.
        case network
        /// What came is not what was signed, or not what was asked for.
        case refused
        case memory
        /// The medium is not there, or cannot be read.
        case medium
        /// A call to the kernel failed.
        case system
    }

    package var kind: Kind
    package var message: String
    package var remedy: String

    package init(_ kind: Kind, _ message: String, remedy: String) {
        (self.kind, self.message, self.remedy) = (kind, message, remedy)
    }
}

extension LiveRootFailure: CustomStringConvertible {
    package var description: String { "\(message); \(remedy)" }
}
