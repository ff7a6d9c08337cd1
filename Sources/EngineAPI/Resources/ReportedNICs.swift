import AgentWire
import Engine
import HostModel

/// What `hosts/ID/nics` shows, made of one report of the host.
struct ReportedNICs {
    private let host: ResourceLink
    private let place: String
    private let report: HostCapabilities
    /// Of the host's data center, by name.
    private let networks: [String: NetworkRecord]

    /// oVirt's words for modes of bonds, by number (ovirt.md 4.7).
    private static let modes = [
        "1": "Active-Backup", "2": "Load balance (balance-xor)", "4": "Dynamic link aggregation (802.3ad)",
    ]

    init(of host: UniqueID, name: String, _ report: HostCapabilities, _ networks: [NetworkRecord]) {
        self.host = ResourcePath.link("hosts", host, name: name)
        (self.report, place) = (report, "\(ResourcePath.href("hosts", host.rawValue))/nics")
        self.networks = Dictionary(networks.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Cards, bonds and VLAN devices, each by name.
    var all: [ReportedNICResource] {
        let cards = report.nics.sorted { $0.key < $1.key }.map(card)
        let bonds = report.bondings.sorted { $0.key < $1.key }.map(bond)
        return cards + bonds + report.vlans.sorted { $0.key < $1.key }.map(vlan)
    }

    private func card(_ name: String, _ card: NICReport) -> ReportedNICResource {
        var shown = device(name, card.address)
        shown.mac = .init(card.hwaddr)
        shown.speed = Self.speed(card.speed)
        shown.status = isUp(name) ? "up" : "down"
        return shown
    }

    private func bond(_ name: String, _ bond: BondReport) -> ReportedNICResource {
        var shown = device(name, bond.address)
        (shown.mac, shown.speed, shown.ad_aggregator_id) = (
            .init(bond.hwaddr), Self.speed(bond.speed), bond.ad_aggregator_id
        )
        shown.status = bond.slaves.contains(where: isUp) ? "up" : "down"
        var values = bond.opts
        // The kernel's own value in this mode, which agents leave out, and oVirt's Ansible modules send and compare.
        if values["mode"] == "4", values["arp_interval"] == nil { values["miimon"] = values["miimon"] ?? "100" }
        let options = values.sorted { $0.key < $1.key }.map { name, value in
            ReportedNICResource.Option(name: name, value: value, type: name == "mode" ? Self.modes[value] : nil)
        }
        var bonding = ReportedNICResource.Bonding(
            options: .init(options),
            slaves: .init(bond.slaves.sorted().map(link))
        )
        if !bond.active_slave.isEmpty { bonding.active_slave = link(bond.active_slave) }
        bonding.ad_partner_mac = bond.ad_partner_mac.map { .init($0) }
        shown.bonding = bonding
        return shown
    }

    private func vlan(_ name: String, _ vlan: VLANReport) -> ReportedNICResource {
        var shown = device(name, vlan.address)
        (shown.vlan, shown.base_interface) = (.init(id: String(vlan.vlanid)), vlan.iface)
        if let below = report.nics[vlan.iface] {
            shown.status = isUp(vlan.iface) ? "up" : "down"
            (shown.mac, shown.speed) = (.init(below.hwaddr), Self.speed(below.speed))
        } else if let below = report.bondings[vlan.iface] {
            shown.status = below.slaves.contains(where: isUp) ? "up" : "down"
            (shown.mac, shown.speed) = (.init(below.hwaddr), Self.speed(below.speed))
        }
        return shown
    }

    /// What all kinds have. The address of a network on a device is shown as the device's, as oVirt does.
    private func device(_ name: String, _ own: AddressReport) -> ReportedNICResource {
        var shown = ReportedNICResource(name: name, href: "\(place)/\(name)", host: host)
        let carried = report.networks.first {
            $0.value.southbound == name || (!$0.value.bridged && $0.value.iface == name)
        }
        if let (network, report) = carried {
            shown.bridged = report.bridged
            shown.network =
                networks[network].map { ResourcePath.link("networks", $0.id, name: $0.name) }
                ?? ResourceLink(id: network, name: network)
        }
        shown.mtu = own.mtu
        let address = carried?.value.address ?? own
        shown.boot_protocol = address.dhcpv4 ? "dhcp" : address.addr.isEmpty ? "none" : "static"
        if !address.addr.isEmpty {
            let gateway = address.gateway.isEmpty ? nil : address.gateway
            shown.ip = .init(address.addr, netmask: address.netmask, gateway: gateway, version: "v4")
        }
        shown.ipv6_boot_protocol =
            switch (address.dhcpv6, address.ipv6autoconf) {
            case (true, true): "poly_dhcp_autoconf"
            case (true, false): "dhcp"
            case (false, true): "autoconf"
            case (false, false): address.ipv6addrs.isEmpty ? "none" : "static"
            }
        if let first = address.ipv6addrs.first {
            let parts = first.split(separator: "/", maxSplits: 1).map(String.init)
            let gateway = ["", "::"].contains(address.ipv6gateway) ? nil : address.ipv6gateway
            shown.ipv6 = .init(parts[0], netmask: parts.count > 1 ? parts[1] : "128", gateway: gateway, version: "v6")
        }
        return shown
    }

    /// An agent that does not say (VDSM's) has a speed where there is a link.
    private func isUp(_ card: String) -> Bool {
        guard let card = report.nics[card] else { return false }
        return card.operstate.isEmpty ? card.speed > 0 : card.operstate == "up"
    }

    private func link(_ name: String) -> ResourceLink { ResourceLink(id: name, href: "\(place)/\(name)", name: name) }

    /// Megabits to bits; `nil` for a card that does not say.
    private static func speed(_ megabits: Int) -> String? {
        guard megabits > 0 else { return nil }
        let (bits, isTooMuch) = megabits.multipliedReportingOverflow(by: 1_000_000)
        return isTooMuch ? nil : String(bits)
    }
}
