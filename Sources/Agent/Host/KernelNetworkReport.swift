import AgentWire
import HostModel
import NIOCore
import Netlink

/// The kernel's network for a person: `muster-agent network`.
package enum KernelNetworkReport {
    package static func json() throws -> String {
        let state = try KernelSnapshot.read().state
        return try JSONValue(encoding: state).pretty()
    }
}
