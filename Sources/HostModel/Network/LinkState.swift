/// What a link is, as far as the plan between two network states must know.
package enum LinkKind: Hashable, Sendable, Codable {
    /// A device without a software kind: a NIC, or a virtual one that a driver made.
    case device
    case bridge(BridgeOptions)
    /// An 802.1Q device over `base`.
    case vlan(base: String, id: Int)
    case bond
    case loopback
    /// Any other kind by the kernel's name: `veth`, `dummy`, `tun`, …
    case other(String)
}

/// The options of a bridge that we set.
package struct BridgeOptions: Hashable, Sendable, Codable {
    /// Spanning tree by the kernel.
    package var stp: Bool
    /// Seconds before a new port forwards; the kernel raises it to 2 while spanning tree is on.
    package var forwardDelay: Int

    package init(stp: Bool = false, forwardDelay: Int = 0) { (self.stp, self.forwardDelay) = (stp, forwardDelay) }
}

/// One link of the kernel.
package struct LinkState: Hashable, Sendable, Codable {
    package var name: String
    package var kind: LinkKind
    package var mac: MACAddress?
    package var mtu: Int
    /// Administratively up (IFF_UP).
    package var isUp: Bool
    /// The lower layer says that there is a peer (IFF_LOWER_UP).
    package var hasCarrier: Bool
    /// The bridge or bond that this link is a port of.
    package var master: String?
    /// In the kernel's order: the first is the primary one.
    package var addresses: [IPv4Network]
    /// `address/length`, link-local ones too.
    package var ipv6Addresses: [String]
    /// Whether the link takes part in IPv6 at all (`net.ipv6.conf.NAME.disable_ipv6`); a port must not.
    package var takesIPv6: Bool

    package init(
        name: String,
        kind: LinkKind = .device,
        mac: MACAddress? = nil,
        mtu: Int = 1500,
        isUp: Bool = false,
        hasCarrier: Bool = false,
        master: String? = nil,
        addresses: [IPv4Network] = [],
        ipv6Addresses: [String] = [],
        takesIPv6: Bool = true
    ) {
        (self.name, self.kind, self.mac, self.mtu) = (name, kind, mac, mtu)
        (self.isUp, self.hasCarrier, self.master) = (isUp, hasCarrier, master)
        (self.addresses, self.ipv6Addresses, self.takesIPv6) = (addresses, ipv6Addresses, takesIPv6)
    }

    package var isBridge: Bool { if case .bridge = kind { true } else { false } }

    /// Whether a network may stand on it as its `nic`: neither made by us nor the loopback.
    package var isNIC: Bool {
        switch kind {
        case .device, .other: true
        case .bridge, .vlan, .bond, .loopback: false
        }
    }

    /// The longest name of a link, in bytes (IFNAMSIZ without its NUL).
    package static let nameLengthMax = 15
}
