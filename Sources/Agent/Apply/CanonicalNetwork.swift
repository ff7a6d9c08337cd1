package import AgentWire
package import HostModel

extension WantedNetwork {
    /// VDSM's attributes in their canonical form and types (ovirt.md 6.2, 6.6): what is kept on disk.
    package var canonical: JSONValue {
        var members: [String: JSONValue] = [
            "bridged": .boolean(bridged), "mtu": .integer(Int64(mtu)), "defaultRoute": .boolean(defaultRoute),
            "bootproto": .string(addressing == .dhcp ? "dhcp" : "none"), "dhcpv6": .boolean(addressing6.dhcp),
            "ipv6autoconf": .boolean(addressing6.autoconf), "switch": "legacy",
            "nameservers": .array(nameservers.map(JSONValue.string)),
        ]
        if bridged { members["stp"] = .boolean(stp) }
        switch southbound {
        case .nic(let name)?: members["nic"] = .string(name)
        case .bonding(let name)?: members["bonding"] = .string(name)
        case nil: break
        }
        if let vlan { members["vlan"] = .integer(Int64(vlan)) }
        if case .fixed(let network, let gateway) = addressing {
            members["ipaddr"] = .string(network.address.description)
            members["netmask"] = .string(network.netmask.description)
            members["gateway"] = gateway.map { .string($0.description) }
        }
        if let address = addressing6.address { members["ipv6addr"] = .string(address.description) }
        if let gateway = addressing6.gateway { members["ipv6gateway"] = .string(gateway.description) }
        if let hostQoS { members["hostQos"] = hostQoS.attribute }
        if !bridgeOptions.isEmpty {
            let words = bridgeOptions.sorted { $0.key < $1.key }.map {
                "\($0.key)=\(BridgeOption.text($0.key, $0.value))"
            }
            members["custom"] = .object(["bridge_opts": .string(words.joined(separator: " "))])
        }
        return .object(members)
    }

    /// Reads what `canonical` wrote.
    package init(name: String, canonical: JSONValue) throws(NetworkRefusal) {
        let members = canonical.object ?? [:]
        try self.init(name: name, attributes: NetworkAttributes(members.compactMapValues(AttributeValue.init)))
    }
}

extension WantedBond {
    package var canonical: JSONValue {
        var members: [String: JSONValue] = [
            "nics": .array(nics.map(JSONValue.string)), "options": .string(options.text), "switch": "legacy",
        ]
        if let hwaddr { members["hwaddr"] = .string(hwaddr.description) }
        return .object(members)
    }

    /// Reads what `canonical` wrote.
    package init(name: String, canonical: JSONValue) throws(NetworkRefusal) {
        let members = canonical.object ?? [:]
        try self.init(name: name, attributes: NetworkAttributes(members.compactMapValues(AttributeValue.init)))
    }
}

extension OwnedNetworks {
    /// What VDSM keeps of a device.
    static func canonical(virtualFunctions count: Int) -> JSONValue {
        .object(["sriov": .object(["numvfs": .integer(Int64(count))])])
    }

    /// Reads what `canonical` wrote; `nil` where nothing is said of virtual functions.
    static func virtualFunctions(_ nic: String, _ canonical: JSONValue) throws(NetworkRefusal) -> Int? {
        guard let sriov = canonical["sriov"], sriov != .null else { return nil }
        guard let number = sriov["numvfs"]?.integer, let count = Int(exactly: number),
            (0...virtualFunctionsMax).contains(count), LinkName(nic) != nil
        else {
            let field = "devices.\(terminalEscaped(nic)).sriov.numvfs"
            throw NetworkRefusal(.badParameters, field, "It is not a number from 0 to \(virtualFunctionsMax)")
        }
        return count
    }
}

extension TrafficShare {
    /// VDSM's attribute `hostQos`.
    package var attribute: JSONValue {
        let members = curves.map { name, curve in
            var numbers: [String: JSONValue] = ["m2": .integer(Int64(curve.m2))]
            if curve.d > 0 { (numbers["m1"], numbers["d"]) = (.integer(Int64(curve.m1)), .integer(Int64(curve.d))) }
            return (name, JSONValue.object(numbers))
        }
        return .object(["out": .object(Dictionary(uniqueKeysWithValues: members))])
    }
}
