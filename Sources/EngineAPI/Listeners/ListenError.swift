import Glibc
import NIOCore

/// A place where the engine should listen could not be opened: one sentence of cause and one of what to do.
package struct ListenError: Error, Hashable, Sendable, CustomStringConvertible {
    package var detail: String
    package var remedy: String

    init(_ detail: String, remedy: String) { (self.detail, self.remedy) = (detail, remedy) }

    /// What the kernel's refusal to bind `place` means.
    init(_ error: IOError, place: String, setting: String) {
        switch error.errnoCode {
        case EADDRINUSE:
            self.init("\(place) is already taken.", remedy: "Stop the program that holds it, or set \(setting).")
        case EACCES, EPERM:
            self.init(
                "\(place) may not be opened by this user.",
                remedy: "Start as root, or set \(setting) to a port above 1023."
            )
        case EADDRNOTAVAIL:
            self.init("\(place) is no address of this machine.", remedy: "Set \(setting) to one that it has.")
        default:
            self.init("\(place) could not be opened: \(error).", remedy: "Check \(setting).")
        }
    }

    package var description: String { "\(detail) \(remedy)" }
}
