/// One TLV of a neighbour with names for people, as VDSM's `getLldp` and oVirt's `link_layer_discovery_protocol_element` have
/// it. Texts are hostile.
package struct LLDPElement: Hashable, Sendable, Codable {
    package var type: Int
    package var name: String
    package var properties: [String: HostileText]
    /// Of an organization's own TLV (type 127).
    package var oui: Int?
    package var subtype: Int?

    private init(_ type: UInt8, _ name: String, _ properties: [String: String], oui: Int? = nil, subtype: Int? = nil) {
        (self.type, self.name) = (Int(type), name)
        self.properties = properties.mapValues { HostileText($0) }
        (self.oui, self.subtype) = (oui, subtype)
    }

    /// `nil` for one without a name here, or whose value is too short.
    init?(_ tlv: LLDPDataUnit.TLV) {
        let value = tlv.value
        switch tlv.type {
        case 1: self.init(1, "Chassis ID", Self.identifier("chassis ID", value, Self.chassisKinds))
        case 2: self.init(2, "Port ID", Self.identifier("port ID", value, Self.portKinds))
        case 3: self.init(3, "Time to Live", ["time to live": String(Self.number(value))])
        case 4: self.init(4, "Port Description", ["port description": Self.text(value)])
        case 5: self.init(5, "System Name", ["system name": Self.text(value)])
        case 6: self.init(6, "System Description", ["system description": Self.text(value)])
        case 7 where value.count >= 4:
            let (can, does) = (Self.number(value[..<2]), Self.number(value[2..<4]))
            let words = [
                "system capabilities": Self.capabilities(can), "enabled capabilities": Self.capabilities(does),
            ]
            self.init(7, "System Capabilities", words)
        case 8:
            guard let properties = Self.managementAddress(value) else { return nil }
            self.init(8, "Management Address", properties)
        case 127 where value.count >= 4: self.init(oui: Self.number(value[..<3]), Int(value[3]), Array(value[4...]))
        default: return nil
        }
    }

    private static let (ieee8021, ieee8023) = (0x0080C2, 0x00120F)

    /// IEEE 802.1Q annex D, 802.3 clause 79.
    private init?(oui: Int, _ subtype: Int, _ value: [UInt8]) {
        switch (oui, subtype) {
        case (Self.ieee8021, 1) where value.count >= 2:
            self.init(
                127,
                "Port VLAN ID",
                ["Port VLAN ID": String(Self.number(value[..<2]))],
                oui: oui,
                subtype: subtype
            )
        case (Self.ieee8021, 3) where value.count >= 3:
            let name = Self.text(Array(value[3...].prefix(Int(value[2]))))
            let properties = ["VLAN ID": String(Self.number(value[..<2])), "VLAN Name": name]
            self.init(127, "VLAN Name", properties, oui: oui, subtype: subtype)
        case (Self.ieee8021, 7) where value.count >= 5, (Self.ieee8023, 3) where value.count >= 5:
            let properties = [
                "Aggregation capable": value[0] & 1 != 0 ? "True" : "False",
                "Currently aggregated": value[0] & 2 != 0 ? "True" : "False",
                "Aggregated Port ID": String(Self.number(value[1..<5])),
            ]
            self.init(127, "Link Aggregation", properties, oui: oui, subtype: subtype)
        case (Self.ieee8023, 4) where value.count >= 2:
            self.init(127, "MTU", ["mtu": String(Self.number(value[..<2]))], oui: oui, subtype: subtype)
        default: return nil
        }
    }

    // MARK: Values

    /// Tables 8-2 and 8-3; the words are lldptool(8)'s.
    private static let chassisKinds: [UInt8: String] = [
        1: "Chassis", 2: "Ifalias", 3: "Port", 4: "MAC", 5: "Address", 6: "Ifname", 7: "Local",
    ]
    private static let portKinds: [UInt8: String] = [
        1: "Ifalias", 2: "Port", 3: "MAC", 4: "Address", 5: "Ifname", 6: "Agent", 7: "Local",
    ]

    private static func identifier(_ name: String, _ value: [UInt8], _ kinds: [UInt8: String]) -> [String: String] {
        let (kind, rest) = (kinds[value.first ?? 0] ?? "Reserved", Array(value.dropFirst()))
        switch kind {
        case "MAC" where rest.count == 6: return ["\(name) subtype": kind, name: hexadecimal(rest, ":")]
        case "Address":
            guard let (family, address) = address(rest) else { fallthrough }
            return ["\(name) subtype": family, name: address]
        case "MAC", "Reserved": return ["\(name) subtype": kind, name: hexadecimal(rest, ":")]
        default: return ["\(name) subtype": kind, name: text(rest)]
        }
    }

    /// By IANA's address family numbers: 1 is IPv4, 2 IPv6.
    private static func address(_ value: [UInt8]) -> (family: String, text: String)? {
        let bytes = Array(value.dropFirst())
        switch (value.first, bytes.count) {
        case (1, 4): return ("IPv4", bytes.map { String($0) }.joined(separator: "."))
        case (2, 16):
            let groups = stride(from: 0, to: 16, by: 2).map { String(number(bytes[$0..<$0 + 2]), radix: 16) }
            return ("IPv6", groups.joined(separator: ":"))
        case (6, 6): return ("MAC", hexadecimal(bytes, ":"))
        default: return nil
        }
    }

    private static func managementAddress(_ value: [UInt8]) -> [String: String]? {
        guard let length = value.first.map({ Int($0) }), length >= 2, value.count >= length + 6,
            let (family, text) = address(Array(value[1...length]))
        else { return nil }
        let kinds: [UInt8: String] = [1: "Unknown", 2: "Ifindex", 3: "System port number"]
        let behind = value[(length + 1)...]
        return [
            "management address subtype": family, "management address": text,
            "interface numbering subtype": kinds[behind.first ?? 0] ?? "Reserved",
            "interface numbering": String(number(behind.dropFirst().prefix(4))),
        ]
    }

    /// Table 8-4.
    private static func capabilities(_ bits: Int) -> String {
        let names = [
            "Other", "Repeater", "Bridge", "WLAN Access Point", "Router", "Telephone", "DOCSIS cable device",
            "Station Only", "C-VLAN", "S-VLAN", "TPMR",
        ]
        return names.indices.filter { bits >> $0 & 1 != 0 }.map { names[$0] }.joined(separator: ", ")
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func number(_ bytes: some Sequence<UInt8>) -> Int {
        bytes.reduce(0) { ($0 << 8 | Int($1)) & 0xFFFF_FFFF }
    }

    private static func hexadecimal(_ bytes: [UInt8], _ separator: String) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: separator)
    }
}

/// What one NIC of a host heard: VDSM's answer of `Host.getLldp` for it.
package struct LLDPReport: Hashable, Sendable, Codable {
    /// Whether the host listens on it.
    package var enabled: Bool
    /// Of the neighbour that was heard last.
    package var tlvs: [LLDPElement]

    package init(enabled: Bool, tlvs: [LLDPElement] = []) { (self.enabled, self.tlvs) = (enabled, tlvs) }
}

/// `GET hosts/ID/lldp`: `{"nic": {NAME: {"enabled": …, "tlvs": […]}}}`, as the host hears them now.
package struct LLDPCollection: Sendable, Codable {
    package var nic: [String: LLDPReport]?
    package init(_ nic: [String: LLDPReport]) { self.nic = nic }
}
