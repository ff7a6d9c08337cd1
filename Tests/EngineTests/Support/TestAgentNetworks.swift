import AgentWire
import HostModel

extension NetworkReport {
    /// What the networks and bonds of a call look like once they stand.
    static func change(_ host: inout HostCapabilities, _ params: JSONValue) {
        guard let call = try? SetupNetworksParameters(params: params) else { return }
        for (name, attributes) in call.bondings {
            let wanted = try? WantedBond(name: name, attributes: attributes)
            host.bondings[name] = attributes["remove"] == nil ? wanted.map(Self.report) : nil
        }
        for (name, attributes) in call.networks {
            let wanted = try? WantedNetwork(name: name, attributes: attributes)
            host.networks[name] = attributes["remove"] == nil ? wanted.map(NetworkReport.init) : nil
            if let wanted, let vlan = wanted.vlan, let device = wanted.device, let base = wanted.southbound?.link {
                host.vlans[device] = VLANReport(iface: base, vlanid: vlan, address: AddressReport())
            }
        }
    }

    private static func report(_ bond: WantedBond) -> BondReport {
        BondReport(hwaddr: "", slaves: bond.nics, opts: bond.options.report, speed: 0, address: AddressReport())
    }

    private init(_ wanted: WantedNetwork) {
        var address = AddressReport()
        address.mtu = String(wanted.mtu)
        address.dhcpv4 = wanted.addressing == .dhcp
        if case .fixed(let network, let gateway) = wanted.addressing {
            (address.addr, address.netmask) = (network.address.description, network.netmask.description)
            (address.ipv4addrs, address.gateway) = ([network.description], gateway?.description ?? "")
            address.ipv4defaultroute = wanted.defaultRoute && gateway != nil
        }
        address.ipv6addrs = wanted.addressing6.address.map { [$0.description] } ?? []
        address.ipv6gateway = wanted.addressing6.gateway?.description ?? "::"
        (address.dhcpv6, address.ipv6autoconf) = (wanted.addressing6.dhcp, wanted.addressing6.autoconf)
        self.init(
            iface: wanted.carrier,
            bridged: wanted.bridged,
            southbound: wanted.device,
            ports: wanted.device.map { [$0] } ?? [],
            address: address
        )
        (vlanid, stp) = (wanted.vlan, wanted.stp ? "on" : "off")
    }
}

extension JSONValue {
    /// An object with further members; anything else as it is.
    func with(_ further: [String: JSONValue]) -> JSONValue {
        guard case .object(var members) = self else { return self }
        members.merge(further) { $1 }
        return .object(members)
    }
}
