import ArgumentParser
import BootServer
import HostModel

// What is done by DHCP and DHCPv6, and for whom.
extension MusterBootOptions {
    /// The address of --address6.
    func checkedAddress6() throws -> IPv6Network? {
        guard let address6 else {
            guard dhcp6 == .off else { throw ValidationError("--dhcp6 needs --address6.") }
            return nil
        }
        guard LinkPrefix(address6) != nil else {
            throw ValidationError("--address6 is ADDRESS/64, and no link-local address: machines cannot name its link.")
        }
        return address6
    }

    /// The links of --subnet6.
    func links(beside own: IPv6Network?) throws -> [LinkPrefix] {
        guard !subnet6.isEmpty else { return [] }
        guard dhcp6 != .off, let own else { throw ValidationError("--subnet6 is for --dhcp6 full and stateless.") }
        guard subnet6.count <= BootServicesSettings.subnets6Max else {
            throw ValidationError("--subnet6 may be given \(BootServicesSettings.subnets6Max) times at most.")
        }
        guard Set(subnet6).count == subnet6.count, !subnet6.contains(where: { $0.contains(own.address) }) else {
            throw ValidationError(
                "--subnet6 names a network twice, or the one of --address6, which is served in any case."
            )
        }
        return subnet6
    }

    /// Those of --dns that are told by DHCPv6.
    func nameServers6() throws -> [IPv6Address] {
        let servers = dns.compactMap(\.v6)
        guard dhcp6 != .off || servers.isEmpty else {
            throw ValidationError("--dns with an IPv6 address is for --dhcp6 full and stateless.")
        }
        return servers
    }

    /// Those of --relay, by family.
    func relays() throws -> (Set<IPv4Address>, Set<IPv6Address>) {
        let (of4, of6) = (Set(relay.compactMap(\.v4)), Set(relay.compactMap(\.v6)))
        guard dhcp != .off || of4.isEmpty else { throw ValidationError("--relay is for --dhcp full and proxy.") }
        guard dhcp6 != .off || of6.isEmpty else {
            throw ValidationError("--relay with an IPv6 address is for --dhcp6 full and stateless.")
        }
        guard !of6.contains(where: { $0.isLinkLocal || $0.isMulticast }) else {
            throw ValidationError("--relay: relays of the own link are answered in any case, and a group is none.")
        }
        guard relay.count <= BootServicesSettings.relaysMax else {
            throw ValidationError("--relay may be given \(BootServicesSettings.relaysMax) times at most.")
        }
        return (of4, of6)
    }

    /// What --dhcp and its companions say together.
    func mode() throws -> BootServicesSettings.DHCPMode {
        switch dhcp {
        case .off:
            guard subnet.isEmpty else { throw ValidationError("--subnet is for --dhcp full.") }
            return .off
        case .proxy:
            guard subnet.isEmpty else { throw ValidationError("--subnet is for --dhcp full.") }
            guard pool == nil, router == nil, !dns.contains(where: { $0.v4 != nil }) else {
                throw ValidationError(
                    "--dhcp proxy gives no addresses: leave --pool, --router and --dns to the other DHCP server."
                )
            }
            return .proxy
        case .full:
            guard let pool else {
                throw ValidationError(
                    "--dhcp full needs --pool FIRST-LAST; with another DHCP server give --dhcp proxy or --dhcp off."
                )
            }
            return .full(pool: pool.range, subnets: subnet.map(\.settings))
        }
    }
}
