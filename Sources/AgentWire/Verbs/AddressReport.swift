/// The address fields that `getCapabilities` gives for a NIC, bond, VLAN, bridge and network alike (ovirt.md 5.5).
package struct AddressReport: Hashable, Sendable, Codable {
    /// The primary IPv4 address and mask: in the gateway's subnet, else the first; empty without one.
    package var addr = ""
    package var netmask = ""
    /// `a.b.c.d/len`.
    package var ipv4addrs: [String] = []
    package var ipv6addrs: [String] = []
    package var gateway = ""
    /// `::` without one.
    package var ipv6gateway = "::"
    /// Only true for a default route in the main table.
    package var ipv4defaultroute = false
    /// From configuration, not from leases.
    package var dhcpv4 = false
    package var dhcpv6 = false
    package var ipv6autoconf = false
    /// A string, for VDSM's compatibility.
    package var mtu = "1500"

    package init() {}
}
