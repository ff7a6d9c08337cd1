// VDSM's attributes -> WantedNetwork, with VDSM's codes (ovirt.md 6.1, 6.3). What depends on the host is checked by
// NetworkChange.

extension WantedNetwork {
    package init(name: String, attributes: NetworkAttributes) throws(NetworkRefusal) {
        try self.init(name: name, links: attributes)
        try readAddressing(attributes)
    }

    /// The part of the links, which VDSM judges first for every network of a call; addresses come after it.
    init(name: String, links attributes: NetworkAttributes) throws(NetworkRefusal) {
        let bridged = try Self.flag("bridged", name, attributes) ?? true
        try Self.checkName(name)
        if bridged { try Self.checkBridgeName(name) }
        let southbound = try Self.southbound(name, attributes)
        let vlan = try Self.vlan(name, attributes, on: southbound)
        guard bridged || southbound != nil else {
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(name, "bridged"),
                "A network without a bridge needs a nic or a bonding"
            )
        }
        self.init(
            name: name,
            southbound: southbound,
            vlan: vlan,
            bridged: bridged,
            mtu: try Self.mtu(name, attributes),
            stp: try Self.flag(attributes["stp"] == nil ? "STP" : "stp", name, attributes) ?? false,
            bridgeOptions: try Self.custom(name, attributes),
            hostQoS: try Self.hostQoS(name, attributes)
        )
        guard hostQoS == nil || southbound != nil else {
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(name, "hostQos"),
                "A network shares a link only when it has a nic or a bonding"
            )
        }
    }

    static func flag(
        _ key: String,
        _ name: String,
        _ attributes: NetworkAttributes
    ) throws(NetworkRefusal) -> Bool? {
        guard let value = attributes[key] else { return nil }
        guard let flag = value.boolean else {
            throw NetworkRefusal(.badParameters, NetworkRefusal.network(name, key), "\(key) must be true or false")
        }
        return flag
    }

    /// VDSM lets a network without a bridge have any name; it is also the name of a file.
    private static func checkName(_ name: String) throws(NetworkRefusal) {
        let isFileName = !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= nameLengthMax
        guard isFileName, !name.utf8.contains(where: { $0 < 32 || $0 == 127 || $0 == UInt8(ascii: "/") }) else {
            throw NetworkRefusal(
                .badBridge,
                NetworkRefusal.network(name),
                "A network's name has 1 to \(nameLengthMax) bytes without slash and control characters and no dot first"
            )
        }
    }

    private static func checkBridgeName(_ name: String) throws(NetworkRefusal) {
        let illegal = name.utf8.contains { ":./".utf8.contains($0) || $0 <= 32 || $0 >= 127 }
        guard (1...LinkState.nameLengthMax).contains(name.utf8.count), !illegal, !name.hasPrefix("-") else {
            throw NetworkRefusal(
                .badBridge,
                NetworkRefusal.network(name),
                "A bridge's name has 1 to \(LinkState.nameLengthMax) characters and no colon, dot, slash or blank"
            )
        }
    }

    private static func southbound(
        _ name: String,
        _ attributes: NetworkAttributes
    ) throws(NetworkRefusal) -> Southbound? {
        switch (attributes["nic"], attributes["bonding"]) {
        case (nil, nil): return nil
        case (let nic?, nil):
            guard let nic = nic.text, LinkName(nic) != nil else {
                throw NetworkRefusal(.badNIC, NetworkRefusal.network(name, "nic"), "nic is the name of a link")
            }
            return .nic(nic)
        case (nil, let bond?):
            guard let bond = bond.text, WantedBond.isName(bond) else {
                throw NetworkRefusal(
                    .badBonding,
                    NetworkRefusal.network(name, "bonding"),
                    "A bond is named bond…, as in bond0"
                )
            }
            return .bonding(bond)
        default:
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(name, "bonding"),
                "A network has a nic or a bonding, not both"
            )
        }
    }

    private static func vlan(
        _ name: String,
        _ attributes: NetworkAttributes,
        on southbound: Southbound?
    ) throws(NetworkRefusal) -> Int? {
        guard let value = attributes["vlan"] else { return nil }
        let field = NetworkRefusal.network(name, "vlan")
        guard let vlan = value.integer, vlanRange.contains(vlan) else {
            throw NetworkRefusal(.badVLAN, field, "vlan must be a number from 0 to 4094")
        }
        guard let base = southbound?.link else {
            throw NetworkRefusal(.badVLAN, field, "A network with a vlan needs a nic or a bonding")
        }
        guard "\(base).\(vlan)".utf8.count <= LinkState.nameLengthMax else {
            throw NetworkRefusal(.badVLAN, field, "\(base).\(vlan) is too long for a link's name; rename \(base)")
        }
        return vlan
    }

    private static func mtu(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> Int {
        guard let value = attributes["mtu"], value.integer != 0 else { return mtuDefault }
        guard let mtu = value.integer, mtuRange.contains(mtu) else {
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(name, "mtu"),
                "mtu must be \(mtuRange.lowerBound) to \(mtuRange.upperBound)"
            )
        }
        return mtu
    }

    /// The custom properties: those of the bridge; `default_route` is obsolete, and the engine sends `defaultRoute` too.
    private static func custom(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> [String: Int]
    {
        guard let custom = attributes["custom"] else { return [:] }
        let field = NetworkRefusal.network(name, "custom")
        guard let members = custom.map else { throw NetworkRefusal(.badParameters, field, "custom is an object") }
        for key in members.keys.sorted() where !["bridge_opts", "default_route"].contains(key) {
            throw NetworkRefusal(
                .badParameters,
                "\(field).\(terminalEscaped(key))",
                "This agent knows bridge_opts and no other custom property"
            )
        }
        guard let options = members["bridge_opts"], options.text != "" else { return [:] }
        guard let text = options.text else {
            throw NetworkRefusal(.badParameters, "\(field).bridge_opts", "bridge_opts is text, as in priority=4096")
        }
        return try BridgeOption.parse(text, of: "\(field).bridge_opts")
    }
}
