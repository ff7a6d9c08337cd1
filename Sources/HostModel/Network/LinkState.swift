/// What a link is, as far as the plan between two network states must know.
package enum LinkKind: Hashable, Sendable, Codable {
    /// A device without a software kind: a NIC, or a virtual one that a driver made.
    case device
    case bridge(BridgeOptions)
    /// An 802.1Q device over `base`.
    case vlan(base: String, id: Int)
    case bond(BondOptions)
    case loopback
    /// Any other kind by the kernel's name: `veth`, `dummy`, `tun`, …
    case other(String)
}

/// A link's part in IPv6, by its files below `/proc/sys/net/ipv6/conf`.
package struct IPv6Settings: Hashable, Sendable, Codable {
    /// `disable_ipv6` is off. A port must not take part.
    package var isEnabled: Bool
    /// `accept_ra`: 0 router advertisements are ignored, 1 taken unless the link forwards, 2 always.
    package var acceptRA: Int
    /// `autoconf`: addresses are made from advertised prefixes.
    package var autoconf: Bool

    package init(isEnabled: Bool = true, acceptRA: Int = 1, autoconf: Bool = true) {
        (self.isEnabled, self.acceptRA, self.autoconf) = (isEnabled, acceptRA, autoconf)
    }

    var takesAdvertisements: Bool { isEnabled && acceptRA > 0 }

    package static let off = IPv6Settings(isEnabled: false)

    /// What advertisements do on a link that has no part is of no account.
    func isLike(_ other: IPv6Settings) -> Bool { self == other || !isEnabled && !other.isEnabled }
}

/// One link of the kernel.
package struct LinkState: Hashable, Sendable, Codable {
    package var name: String
    package var kind: LinkKind
    package var mac: MACAddress?
    /// The address that the link has by itself, and has again when it leaves a bond; `nil` where nobody says.
    package var ownMAC: MACAddress?
    /// Octets; 0 where a step leaves it open.
    package var mtu: Int
    /// The largest that the driver takes; `nil` where it does not say.
    package var mtuMax: Int?
    /// Administratively up (IFF_UP).
    package var isUp: Bool
    /// The lower layer says that there is a peer (IFF_LOWER_UP).
    package var hasCarrier: Bool
    /// The bridge or bond that this link is a port of.
    package var master: String?
    /// In the kernel's order: the first of a subnet is the primary one.
    package var addresses: [IPv4Network]
    /// Those that somebody set: permanent, and not link-local.
    package var ipv6Addresses: [IPv6Network]
    /// Those that the kernel made: link-local, or from router advertisements. For reports only.
    package var automaticAddresses: [IPv6Network]
    package var ipv6: IPv6Settings
    /// The shares of networks on this link, by `TrafficClass`; `nil` when nobody has one.
    package var shaping: [Int: TrafficShare]?
    /// The kind of a root queueing discipline that is neither ours nor the kernel's own choice.
    package var strangersQdisc: String?

    package init(
        name: String,
        kind: LinkKind = .device,
        mac: MACAddress? = nil,
        mtu: Int = 1500,
        isUp: Bool = false,
        hasCarrier: Bool = false,
        master: String? = nil,
        addresses: [IPv4Network] = [],
        ipv6Addresses: [IPv6Network] = [],
        ipv6: IPv6Settings = IPv6Settings()
    ) {
        (self.name, self.kind, self.mac, self.mtu) = (name, kind, mac, mtu)
        (self.isUp, self.hasCarrier, self.master) = (isUp, hasCarrier, master)
        (self.addresses, self.ipv6Addresses, self.ipv6) = (addresses, ipv6Addresses, ipv6)
        (ownMAC, mtuMax, automaticAddresses) = (nil, nil, [])
    }

    package var takesIPv6: Bool { ipv6.isEnabled }

    package var isBridge: Bool { if case .bridge = kind { true } else { false } }
    package var isBond: Bool { if case .bond = kind { true } else { false } }

    /// The device that a VLAN stands on.
    package var vlanBase: String? { if case .vlan(let base, _) = kind { base } else { nil } }

    /// Whether a network may stand on it as its `nic`: neither made by us nor the loopback.
    package var isNIC: Bool {
        switch kind {
        case .device, .other: true
        case .bridge, .vlan, .bond, .loopback: false
        }
    }

    /// Whether a step can make and delete it.
    var isMakeable: Bool {
        switch kind {
        case .bridge, .vlan, .bond: true
        case .device, .loopback, .other: false
        }
    }

    /// The place from the wire up: a base comes before what stands on it.
    var floor: Int {
        switch kind {
        case .device, .loopback, .other: 0
        case .bond: 1
        case .vlan: 2
        case .bridge: 3
        }
    }

    /// Below it the kernel takes IPv6 away from a link (IPV6_MIN_MTU).
    package static let ipv6MTUMin = 1280

    /// The longest name of a link, in bytes (IFNAMSIZ without its NUL).
    package static let nameLengthMax = 15
}
