// Bonds in the state that a change asks for (ovirt.md 6.4).

extension NetworkTarget {
    /// The nics stay, up, with their own addresses and part in IPv6 again; VLANs that nobody wants go with the bond.
    mutating func takeDown(_ bond: WantedBond) {
        guard state.links[bond.name]?.isBond == true else { return }
        for slave in ports(of: bond.name) { release(slave) }
        for vlan in vlans(on: bond.name) where state.links[vlan] != nil { delete(vlan) }
        delete(bond.name)
    }

    mutating func build(_ bond: WantedBond) {
        if let link = state.links[bond.name], link.isBond {
            for slave in ports(of: bond.name).subtracting(bond.nics) { release(slave) }
            edit(bond.name) {
                $0.kind = .bond(bond.options)
                $0.isUp = true
            }
            if let mac = mac(of: bond, standing: link) { edit(bond.name) { $0.mac = mac } }
        } else {
            make(
                LinkState(
                    name: bond.name,
                    kind: .bond(bond.options),
                    mac: bond.hwaddr ?? bond.nics.first.flatMap(ownMAC),
                    isUp: true,
                    ipv6: state.newLinkIPv6
                )
            )
            if networks(on: bond.name).isEmpty { edit(bond.name) { $0.ipv6.isEnabled = false } }
        }
        for nic in bond.nics { enslave(nic, to: bond.name) }
    }

    /// The address that was asked for; else the present one, unless it is that of a nic that is going to serve elsewhere:
    /// two links with one address in one segment would take each other's answers.
    private func mac(of bond: WantedBond, standing link: LinkState) -> MACAddress? {
        if let mac = bond.hwaddr { return mac }
        let lent = before.ports(of: bond.name).contains { slave in
            !bond.nics.contains(slave) && ownMAC(slave) == link.mac
                && (state.links[slave]?.master != nil || !networks(on: slave).isEmpty)
        }
        return lent ? bond.nics.first.flatMap(ownMAC) : nil
    }

    private func ownMAC(_ nic: String) -> MACAddress? { before.links[nic].flatMap { $0.ownMAC ?? $0.mac } }

    private mutating func release(_ slave: String) {
        setMaster(of: slave, nil)
        let mac = ownMAC(slave)
        edit(slave) {
            $0.ipv6.isEnabled = true
            $0.mac = mac
        }
    }

    private mutating func enslave(_ nic: String, to bond: String) {
        clear(nic)
        setMaster(of: nic, bond)
        edit(nic) {
            $0.ipv6.isEnabled = false
            $0.isUp = true
        }
    }
}
