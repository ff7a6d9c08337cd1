// VDSM's attributes -> WantedNetwork, with VDSM's codes (ovirt.md 6.1, 6.3). What depends on the host is checked by
// NetworkChange.

extension WantedNetwork {
    package init(name: String, attributes: NetworkAttributes) throws(NetworkRefusal) {
        let bridged = try Self.flag("bridged", attributes) ?? true
        try Self.checkName(name)
        if bridged { try Self.checkBridgeName(name) }
        try Self.refuseUnsupported(name, attributes)
        let southbound = try Self.southbound(name, attributes)
        let vlan = try Self.vlan(name, attributes, on: southbound)
        guard bridged || southbound != nil else {
            throw NetworkRefusal(.badParameters, "Network \(name) is not bridged, so it needs a nic or a bonding")
        }
        self.init(
            name: name,
            southbound: southbound,
            vlan: vlan,
            bridged: bridged,
            mtu: try Self.mtu(name, attributes),
            addressing: try Self.addressing(name, attributes),
            defaultRoute: try Self.flag("defaultRoute", attributes) ?? false,
            stp: try Self.flag(attributes["stp"] == nil ? "STP" : "stp", attributes) ?? false
        )
        nameservers = try Self.nameservers(name, attributes, defaultRoute: defaultRoute)
    }

    private static func flag(_ key: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> Bool? {
        guard let value = attributes[key] else { return nil }
        guard let flag = value.boolean else { throw NetworkRefusal(.badParameters, "\(key) must be true or false") }
        return flag
    }

    /// VDSM lets a network without a bridge have any name; it is also the name of a file.
    private static func checkName(_ name: String) throws(NetworkRefusal) {
        let isFileName = !name.isEmpty && name != "." && name != ".." && name.utf8.count <= nameLengthMax
        guard isFileName, !name.utf8.contains(where: { $0 < 32 || $0 == 127 || $0 == UInt8(ascii: "/") }) else {
            throw NetworkRefusal(
                .badBridge,
                "A network's name has 1 to \(nameLengthMax) bytes without slash and control characters"
            )
        }
    }

    private static func checkBridgeName(_ name: String) throws(NetworkRefusal) {
        let illegal = name.utf8.contains { ":./".utf8.contains($0) || $0 <= 32 || $0 >= 127 }
        guard (1...LinkState.nameLengthMax).contains(name.utf8.count), !illegal, !name.hasPrefix("-") else {
            throw NetworkRefusal(
                .badBridge,
                "A bridge's name has 1 to \(LinkState.nameLengthMax) characters and no colon, dot, slash or blank"
            )
        }
    }

    private static func refuseUnsupported(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) {
        func refuse(_ what: String) -> NetworkRefusal {
            NetworkRefusal(.badParameters, "Network \(name) asks for \(what), which this agent can not do yet")
        }
        if let kind = attributes["switch"], kind != "legacy" { throw refuse("another switch than legacy") }
        if attributes["hostQos"] != nil { throw refuse("hostQos") }
        if let custom = attributes["custom"], custom.map?.isEmpty != true { throw refuse("custom properties") }
    }

    private static func southbound(
        _ name: String,
        _ attributes: NetworkAttributes
    ) throws(NetworkRefusal) -> Southbound? {
        switch (attributes["nic"], attributes["bonding"]) {
        case (nil, nil): return nil
        case (let nic?, nil):
            guard let nic = nic.text else { throw NetworkRefusal(.badNIC, "The nic of \(name) must be a name") }
            return .nic(nic)
        case (nil, let bond?):
            guard let bond = bond.text, bond.hasPrefix("bond"), bond.utf8.count > 4,
                bond.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
            else { throw NetworkRefusal(.badBonding, "The bonding of \(name) must be named bond…, as in bond0") }
            return .bonding(bond)
        default:
            throw NetworkRefusal(.badParameters, "Network \(name) names a nic and a bonding; it can have one of them")
        }
    }

    private static func vlan(
        _ name: String,
        _ attributes: NetworkAttributes,
        on southbound: Southbound?
    ) throws(NetworkRefusal) -> Int? {
        guard let value = attributes["vlan"] else { return nil }
        guard let vlan = value.integer, vlanRange.contains(vlan) else {
            throw NetworkRefusal(.badVLAN, "The vlan of \(name) must be a number from 0 to 4094")
        }
        guard let base = southbound?.link else {
            throw NetworkRefusal(.badVLAN, "Network \(name) has a vlan, so it needs a nic or a bonding")
        }
        guard "\(base).\(vlan)".utf8.count <= LinkState.nameLengthMax else {
            throw NetworkRefusal(.badVLAN, "\(base).\(vlan) is too long for a link's name; rename \(base)")
        }
        return vlan
    }

    private static func mtu(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> Int {
        guard let value = attributes["mtu"], value.integer != 0 else { return mtuDefault }
        guard let mtu = value.integer, mtuRange.contains(mtu) else {
            throw NetworkRefusal(
                .badParameters,
                "The mtu of \(name) must be \(mtuRange.lowerBound) to \(mtuRange.upperBound)"
            )
        }
        return mtu
    }
}
