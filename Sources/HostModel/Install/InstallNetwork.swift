/// The management network of an installed machine.
package struct InstallNetwork: Hashable, Sendable, Codable {
    /// An interface by its name or by its MAC address.
    package enum Link: Hashable, Sendable {
        case name(LinkName)
        case mac(MACAddress)
    }

    package struct Bond: Hashable, Sendable, Codable {
        package enum Mode: String, CaseIterable, Hashable, Sendable, Codable {
            case roundRobin = "balance-rr"
            case activeBackup = "active-backup"
            case xor = "balance-xor"
            case broadcast
            case lacp = "802.3ad"
            case transmitLoad = "balance-tlb"
            case adaptiveLoad = "balance-alb"
        }

        package var name: LinkName
        /// Interfaces by name, 1 to `BondArgument.linksMax`.
        package var links: [LinkName]
        package var mode: Mode

        package init(name: LinkName, links: [LinkName], mode: Mode) {
            (self.name, self.links, self.mode) = (name, links, mode)
        }
    }

    /// `nil`: the interface that the machine boots from.
    package var link: Link?
    /// Takes the place of `link`.
    package var bond: Bond?
    /// 1 to 4094.
    package var vlan: Int?
    /// `nil`: DHCP.
    package var address: IPv4Network?
    package var gateway: IPv4Address?
    package var nameservers: [IPv4Address]
    /// 68 to 65535; `nil` leaves it at 1500.
    package var mtu: Int?

    package static let nameserversMax = 3

    package init(
        link: Link? = nil,
        bond: Bond? = nil,
        vlan: Int? = nil,
        address: IPv4Network? = nil,
        gateway: IPv4Address? = nil,
        nameservers: [IPv4Address] = [],
        mtu: Int? = nil
    ) {
        (self.link, self.bond, self.vlan, self.address) = (link, bond, vlan, address)
        (self.gateway, self.nameservers, self.mtu) = (gateway, nameservers, mtu)
    }

    /// Why the values do not go together; `nil` when they do.
    package var reasonToRefuse: String? {
        if let vlan, !(1...4094).contains(vlan) { return "a VLAN is 1 to 4094" }
        if let mtu, !(68...65535).contains(mtu) { return "an MTU is 68 to 65535" }
        if nameservers.count > Self.nameserversMax { return "more than \(Self.nameserversMax) name servers" }
        if let address, address.prefixLength == 0 { return "an address has a network of 1 to 32 bits" }
        if let gateway {
            guard let address else { return "a gateway goes with an address" }
            guard address.contains(gateway) else { return "the gateway \(gateway) is not in \(address)" }
        }
        if let bond {
            if link != nil { return "give a link or a bond" }
            if !(1...BondArgument.linksMax).contains(bond.links.count) || Set(bond.links).count != bond.links.count {
                return "a bond has 1 to \(BondArgument.linksMax) different interfaces"
            }
        }
        var names = (bond?.links ?? []) + (bond.map { [$0.name] } ?? [])
        if case .name(let name) = link { names.append(name) }
        let odd = names.first { !$0.rawValue.utf8.allSatisfy { isInstallByte($0, or: "-._") } }
        return odd.map {
            "the interface name \(terminalEscaped($0.rawValue)) has other signs than letters, digits and -._"
        }
    }
}

extension InstallNetwork.Link: Codable, CustomStringConvertible {
    package var description: String {
        switch self {
        case .name(let name): name.rawValue
        case .mac(let mac): mac.description
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        if let mac = MACAddress(text) {
            self = .mac(mac)
        } else if let name = LinkName(text) {
            self = .name(name)
        } else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected an interface's name or MAC address"
            )
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension InstallNetwork {
    private enum CodingKeys: String, CodingKey {
        case link
        case bond
        case vlan
        case address
        case gateway
        case nameservers
        case mtu
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            link: try container.decodeIfPresent(Link.self, forKey: .link),
            bond: try container.decodeIfPresent(Bond.self, forKey: .bond),
            vlan: try container.decodeIfPresent(Int.self, forKey: .vlan),
            address: try container.decodeIfPresent(IPv4Network.self, forKey: .address),
            gateway: try container.decodeIfPresent(IPv4Address.self, forKey: .gateway),
            nameservers: try container.decodeIfPresent([IPv4Address].self, forKey: .nameservers) ?? [],
            mtu: try container.decodeIfPresent(Int.self, forKey: .mtu)
        )
        if let reason = reasonToRefuse {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: reason))
        }
    }
}
