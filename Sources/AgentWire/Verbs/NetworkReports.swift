// The network block of `getCapabilities` (ovirt.md 5.5). Each report is its own fields and `AddressReport`'s, flat in one
// JSON object.

/// One entry of `qos` of a NIC or bond: the share of a network that stands on it.
package struct LinkShareReport: Hashable, Sendable, Codable {
    package var hostQos: JSONValue
    /// The network's tag; `-1` for untagged.
    package var vlan: Int

    package init(hostQos: JSONValue, vlan: Int?) { (self.hostQos, self.vlan) = (hostQos, vlan ?? -1) }
}

/// The virtual functions of a NIC (SR-IOV). Ours: VDSM's engines count them in the list of devices, for which it needs a
/// libvirt.
package struct VirtualFunctionsReport: Hashable, Sendable, Codable {
    /// libvirt's name of the card, which `Host.hostdevChangeNumvfs` takes.
    package var device: String
    package var count: Int
    package var max: Int

    package init(device: String, count: Int, max: Int) { (self.device, self.count, self.max) = (device, count, max) }
}

/// One entry of `nics`.
package struct NICReport: Hashable, Sendable, Codable {
    package var hwaddr: String
    /// Megabits per second; 0 when unknown, also where there is a link (virtio and others do not say).
    package var speed: Int
    /// `up` with a carrier, else `down`; empty from agents that do not say. Ours: VDSM says it in its statistics only.
    package var operstate: String
    /// Absent when no network on it has a share.
    package var qos: [LinkShareReport]?
    /// Absent from cards that can have none.
    package var musterVirtualFunctions: VirtualFunctionsReport?
    /// The NIC that this one is a virtual function of. Ours.
    package var musterPhysicalFunction: String?
    package var address: AddressReport

    package init(hwaddr: String, speed: Int, operstate: String = "", address: AddressReport) {
        (self.hwaddr, self.speed, self.operstate, self.address) = (hwaddr, speed, operstate, address)
    }

    private enum CodingKeys: String, CodingKey {
        case hwaddr
        case speed
        case operstate
        case qos
        case musterVirtualFunctions
        case musterPhysicalFunction
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        hwaddr = try container.decode(String.self, forKey: .hwaddr)
        speed = try container.decodeIfPresent(Int.self, forKey: .speed) ?? 0
        operstate = try container.decodeIfPresent(String.self, forKey: .operstate) ?? ""
        qos = try container.decodeIfPresent([LinkShareReport].self, forKey: .qos)
        musterVirtualFunctions = try container.decodeIfPresent(
            VirtualFunctionsReport.self,
            forKey: .musterVirtualFunctions
        )
        musterPhysicalFunction = try container.decodeIfPresent(String.self, forKey: .musterPhysicalFunction)
        address = try AddressReport(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try address.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(musterVirtualFunctions, forKey: .musterVirtualFunctions)
        try container.encodeIfPresent(musterPhysicalFunction, forKey: .musterPhysicalFunction)
        try container.encode(hwaddr, forKey: .hwaddr)
        try container.encode(speed, forKey: .speed)
        if !operstate.isEmpty { try container.encode(operstate, forKey: .operstate) }
        try container.encodeIfPresent(qos, forKey: .qos)
    }
}

/// One entry of `vlans`.
package struct VLANReport: Hashable, Sendable, Codable {
    /// The device below.
    package var iface: String
    package var vlanid: Int
    package var address: AddressReport

    package init(iface: String, vlanid: Int, address: AddressReport) {
        (self.iface, self.vlanid, self.address) = (iface, vlanid, address)
    }

    private enum CodingKeys: String, CodingKey {
        case iface
        case vlanid
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        iface = try container.decode(String.self, forKey: .iface)
        vlanid = try container.decode(Int.self, forKey: .vlanid)
        address = try AddressReport(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try address.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(iface, forKey: .iface)
        try container.encode(vlanid, forKey: .vlanid)
    }
}

/// One entry of `bridges`.
package struct BridgeReport: Hashable, Sendable, Codable {
    package var ports: [String]
    /// `on` or `off`.
    package var stp: String
    /// Options by their sysfs names.
    package var opts: [String: String]
    package var address: AddressReport

    package init(ports: [String], stp: String, opts: [String: String], address: AddressReport) {
        (self.ports, self.stp, self.opts, self.address) = (ports, stp, opts, address)
    }

    private enum CodingKeys: String, CodingKey {
        case ports
        case stp
        case opts
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        ports = try container.decode([String].self, forKey: .ports)
        stp = try container.decode(String.self, forKey: .stp)
        opts = try container.decodeIfPresent([String: String].self, forKey: .opts) ?? [:]
        address = try AddressReport(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try address.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(ports, forKey: .ports)
        try container.encode(stp, forKey: .stp)
        try container.encode(opts, forKey: .opts)
    }
}

/// One entry of `bondings`.
package struct BondReport: Hashable, Sendable, Codable {
    package var hwaddr: String
    package var slaves: [String]
    /// Empty in modes without one.
    package var active_slave: String
    /// Numeric options that differ from the mode's defaults, and `mode`.
    package var opts: [String: String]
    package var speed: Int
    package var `switch`: String
    /// 802.3ad only.
    package var ad_aggregator_id: String?
    package var ad_partner_mac: String?
    /// Absent when no network on it has a share.
    package var qos: [LinkShareReport]?
    package var address: AddressReport

    package init(hwaddr: String, slaves: [String], opts: [String: String], speed: Int, address: AddressReport) {
        (self.hwaddr, self.slaves, self.opts, self.speed, self.address) = (hwaddr, slaves, opts, speed, address)
        (self.active_slave, self.switch) = ("", "legacy")
    }

    private enum CodingKeys: String, CodingKey {
        case hwaddr
        case slaves
        case active_slave
        case opts
        case speed
        case `switch`
        case ad_aggregator_id
        case ad_partner_mac
        case qos
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        ad_aggregator_id = try container.decodeIfPresent(String.self, forKey: .ad_aggregator_id)
        ad_partner_mac = try container.decodeIfPresent(String.self, forKey: .ad_partner_mac)
        qos = try container.decodeIfPresent([LinkShareReport].self, forKey: .qos)
        hwaddr = try container.decode(String.self, forKey: .hwaddr)
        slaves = try container.decode([String].self, forKey: .slaves)
        active_slave = try container.decodeIfPresent(String.self, forKey: .active_slave) ?? ""
        opts = try container.decodeIfPresent([String: String].self, forKey: .opts) ?? [:]
        speed = try container.decodeIfPresent(Int.self, forKey: .speed) ?? 0
        `switch` = try container.decodeIfPresent(String.self, forKey: .switch) ?? "legacy"
        address = try AddressReport(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try address.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(hwaddr, forKey: .hwaddr)
        try container.encode(slaves, forKey: .slaves)
        try container.encode(active_slave, forKey: .active_slave)
        try container.encode(opts, forKey: .opts)
        try container.encode(speed, forKey: .speed)
        try container.encode(`switch`, forKey: .switch)
        try container.encodeIfPresent(ad_aggregator_id, forKey: .ad_aggregator_id)
        try container.encodeIfPresent(ad_partner_mac, forKey: .ad_partner_mac)
        try container.encodeIfPresent(qos, forKey: .qos)
    }
}

/// One entry of `networks`: a network that the agent owns, as it stands in the kernel.
package struct NetworkReport: Hashable, Sendable, Codable {
    /// The bridge, or the device that carries a bridgeless network.
    package var iface: String
    package var bridged: Bool
    /// The VLAN device, bond or NIC below; `nil` for a bridge without ports.
    package var southbound: String?
    package var vlanid: Int?
    package var ports: [String]
    /// `on` or `off`; bridged only.
    package var stp: String?
    /// Bridgeless only.
    package var interface: String?
    /// Its share of the link below, as in the request.
    package var hostQos: JSONValue?
    package var `switch`: String
    package var address: AddressReport

    package init(iface: String, bridged: Bool, southbound: String?, ports: [String], address: AddressReport) {
        (self.iface, self.bridged, self.southbound) = (iface, bridged, southbound)
        (self.ports, self.address, self.switch) = (ports, address, "legacy")
    }

    private enum CodingKeys: String, CodingKey {
        case iface
        case bridged
        case southbound
        case vlanid
        case ports
        case stp
        case interface
        case hostQos
        case `switch`
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        hostQos = try container.decodeIfPresent(JSONValue.self, forKey: .hostQos)
        iface = try container.decode(String.self, forKey: .iface)
        bridged = try container.decode(Bool.self, forKey: .bridged)
        southbound = try container.decodeIfPresent(String.self, forKey: .southbound)
        vlanid = try container.decodeIfPresent(Int.self, forKey: .vlanid)
        ports = try container.decodeIfPresent([String].self, forKey: .ports) ?? []
        stp = try container.decodeIfPresent(String.self, forKey: .stp)
        interface = try container.decodeIfPresent(String.self, forKey: .interface)
        `switch` = try container.decodeIfPresent(String.self, forKey: .switch) ?? "legacy"
        address = try AddressReport(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try address.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(iface, forKey: .iface)
        try container.encode(bridged, forKey: .bridged)
        try container.encode(southbound, forKey: .southbound)
        try container.encodeIfPresent(vlanid, forKey: .vlanid)
        try container.encode(ports, forKey: .ports)
        try container.encodeIfPresent(stp, forKey: .stp)
        try container.encodeIfPresent(interface, forKey: .interface)
        try container.encodeIfPresent(hostQos, forKey: .hostQos)
        try container.encode(`switch`, forKey: .switch)
    }
}
