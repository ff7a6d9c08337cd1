import BootServer
import Glibc

/// How the program ends when it does not end well: a number of sysexits.h, and one line on standard error.
struct Ending: Error, CustomStringConvertible {
    enum Status: Int32 {
        /// EX_UNAVAILABLE: an address, a port or the journal of leases was not to be had in time. Starting again may help.
        case unavailable = 69
        /// EX_SOFTWARE: a service failed while it ran. Starting again may help.
        case software = 70
        /// EX_OSERR: the system refused. Starting again may help.
        case system = 71
        /// EX_NOPERM: a capability is missing.
        case notPermitted = 77
        /// EX_CONFIG: the options, or the files that they name, can never work. Starting again does not help.
        case configuration = 78
    }

    var status: Status
    var description: String

    init(_ status: Status, _ sentence: String) { (self.status, description) = (status, sentence) }

    init(_ failure: StartFailure) {
        description = failure.description
        status =
            switch failure.kind {
            case .configuration: .configuration
            case .unavailable: .unavailable
            case .notPermitted: .notPermitted
            case .system: .system
            }
    }

    /// Writes the line and leaves.
    func leave() -> Never { Self.leave(status, "error: \(description)") }

    static func leave(_ status: Status, _ text: String) -> Never {
        let bytes = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
        exit(status.rawValue)
    }
}
