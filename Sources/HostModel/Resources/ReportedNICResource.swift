// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// oVirt's HostNic as a host has it now (ovirt.md 4.7): a card, a bond, or a VLAN device on one of them. Its id is its name.
package struct ReportedNICResource: Hashable, Sendable, Codable, WireDocument {
    package struct MAC: Hashable, Sendable, Codable {
        package var address: String
        package init(_ address: String) { self.address = address }
    }
    package struct Address: Hashable, Sendable, Codable {
        package var address: String
        /// A mask of IPv4, the length of the prefix of IPv6.
        package var netmask: String
        package var gateway: String?
        package var version: String
        package init(_ address: String, netmask: String, gateway: String?, version: String) {
            (self.address, self.netmask, self.gateway, self.version) = (address, netmask, gateway, version)
        }
    }
    package struct VLAN: Hashable, Sendable, Codable {
        package var id: String
        package init(id: String) { self.id = id }
    }
    package struct Option: Hashable, Sendable, Codable {
        package var name: String
        package var value: String
        /// oVirt's words for a mode, which its Ansible modules compare; `nil` where they have none.
        package var type: String?
        package init(name: String, value: String, type: String?) {
            (self.name, self.value, self.type) = (name, value, type)
        }
    }
    package struct Options: Hashable, Sendable, Codable {
        package var option: [Option]
        package init(_ option: [Option]) { self.option = option }
    }
    package struct Slaves: Hashable, Sendable, Codable {
        package var host_nic: [ResourceLink]
        package init(_ nics: [ResourceLink]) { host_nic = nics }
    }
    package struct Bonding: Hashable, Sendable, Codable {
        package var options: Options
        package var slaves: Slaves
        package var active_slave: ResourceLink?
        package var ad_partner_mac: MAC?
        package init(options: Options, slaves: Slaves) { (self.options, self.slaves) = (options, slaves) }
    }

    package static let element = "host_nic"
    package var id: String
    package var href: String
    package var name: String
    package var host: ResourceLink
    package var mac: MAC?
    package var mtu: String
    /// Bits a second; `nil` where the card does not say.
    package var speed: String?
    /// `up` or `down`.
    package var status: String
    /// `none`, `dhcp` or `static`.
    package var boot_protocol: String
    package var ip: Address?
    /// Also `autoconf` and `poly_dhcp_autoconf`.
    package var ipv6_boot_protocol: String
    package var ipv6: Address?
    /// Whether a bridge stands on it.
    package var bridged: Bool
    /// The network on it without a tag.
    package var network: ResourceLink?
    package var vlan: VLAN?
    /// The name of the device below a VLAN device.
    package var base_interface: String?
    package var ad_aggregator_id: String?
    package var bonding: Bonding?
    package var link: [WireLink]

    package init(name: String, href: String, host: ResourceLink) {
        (id, self.href, self.name, self.host) = (name, href, name, host)
        (mtu, status, boot_protocol, ipv6_boot_protocol, bridged) = ("1500", "down", "none", "none", false)
        link = ["networkattachments", "networklabels", "statistics"].map { WireLink($0, in: href) }
    }
}

/// `hosts/ID/nics` as a whole.
package struct ReportedNICCollection: Hashable, Sendable, Codable, WireDocument {
    package static let element = "host_nics"
    package var host_nic: [ReportedNICResource]
    package init(_ nics: [ReportedNICResource]) { host_nic = nics }
}
