import Glibc
import HostModel

/// Why a boot server did not start: one sentence of cause and one of what to do, each without a full stop.
package struct StartFailure: Error, Hashable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// The settings can never work.
        case configuration
        /// Something that may be there later: an address, a port, the journal of another process.
        case unavailable
        /// The user may not do it.
        case notPermitted
        /// The system refuses for another reason.
        case system
    }

    package var kind: Kind
    package var cause: String
    package var remedy: String

    package init(_ kind: Kind = .system, cause: String, remedy: String) {
        (self.kind, self.cause, self.remedy) = (kind, cause, remedy)
    }

    package var description: String { "\(cause). \(remedy)." }

    /// A socket that was to be opened, and the option that names its port.
    struct Listener {
        /// `HTTP`, `TFTP`, `DHCP`.
        var service: String
        /// `TCP` or `UDP`.
        var transport: String
        var address: IPAddress
        var port: UInt16
        var option: String
    }

    /// `code` is `errno`, or 0 when the failure has none; `text` is what else is known of it.
    init(opening listener: Listener, code: CInt, text: String) {
        let place = "\(listener.transport) port \(listener.port) on \(listener.address)"
        switch code {
        case EADDRINUSE:
            let list = listener.transport == "TCP" ? "ss -ltnp" : "ss -lunp"
            self.init(
                .unavailable,
                cause: "\(place), wanted for \(listener.service), is taken by another program",
                remedy: "Stop that program (`\(list)` shows it), or choose another port with \(listener.option)"
            )
        case EADDRNOTAVAIL:
            self.init(
                .unavailable,
                cause: "\(listener.service) cannot listen on \(listener.address): no interface has this address",
                remedy: "Give the interface its address first (`ip address`), or correct "
                    + (listener.address.v4 == nil ? "--address6" : "--address")
            )
        case EAFNOSUPPORT:
            self.init(
                .unavailable,
                cause: "\(listener.service) cannot listen on \(listener.address): this machine has no IPv6",
                remedy: "Leave --address6 out, or start the machine with IPv6"
            )
        case ENODEV, ENETDOWN:
            self.init(
                .unavailable,
                cause: "\(listener.service) cannot listen on \(place): there is no such interface",
                remedy: "Give --interface a name that `ip link` shows"
            )
        case EACCES, EPERM:
            self.init(
                .notPermitted,
                cause: "\(listener.service) may not listen on \(place)",
                remedy: "Give muster-boot CAP_NET_BIND_SERVICE and CAP_NET_RAW, or choose a port above 1023"
                    + " with \(listener.option)"
            )
        default:
            self.init(
                cause: "\(listener.service) could not be opened on \(place): \(terminalEscaped(text))",
                remedy: "Check --interface, --address and \(listener.option)"
            )
        }
    }

    /// The kernel's words for an `errno`.
    static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
