// Bonds on the way from one state to another. A slave enters while it is down; mode and some options change only while the
// bond is down or empty. A bond that keeps its mode is never empty and never down on the way: it does not flap.

extension NetworkDiff {
    /// Whether the bond has to go down, which takes routes along, also those of the VLANs on it.
    func bounces(_ name: String) -> Bool {
        guard case .bond(let from)? = end.links[name]?.kind, case .bond(let to)? = wanted.links[name]?.kind else {
            return false
        }
        return end.links[name]?.isUp == true && from.needsDown(for: to)
    }

    mutating func shapeBonds() {
        let bonds = names.filter { wanted.links[$0]?.isBond == true }
        for bond in bonds { loosen(bond) }
        for bond in bonds { create(bond) }
        // Free nics first, so that no bond is empty while its slaves change places.
        for isFree in [true, false] {
            for bond in bonds { enslave(to: bond, whereFree: isFree) }
        }
        release()
        for bond in bonds { setOptions(of: bond) }
    }

    /// Takes a bond down, and its slaves out, for options that ask for it.
    private mutating func loosen(_ bond: String) {
        guard case .bond(let from)? = end.links[bond]?.kind, case .bond(let to)? = wanted.links[bond]?.kind, from != to,
            from.needsDown(for: to)
        else { return }
        if end.links[bond]?.isUp == true { add(.setUp(link: bond, isUp: false)) }
        if from.needsEmpty(for: to) {
            for slave in end.ports(of: bond) where touched.contains(slave) { add(.setMaster(link: slave, master: nil)) }
        }
        guard from.mode != to.mode else { return change(bond, from, to) }
        // Some options can be told only in their own mode.
        let bare = BondOptions(mode: from.mode)
        change(bond, from, bare)
        change(bond, bare, BondOptions(mode: to.mode))
        change(bond, BondOptions(mode: to.mode), to)
    }

    private mutating func change(_ bond: String, _ from: BondOptions, _ to: BondOptions) {
        if from != to { add(.setBondOptions(name: bond, from: from, to: to)) }
    }

    private mutating func create(_ bond: String) {
        guard end.links[bond] == nil, let want = wanted.links[bond], case .bond(let options) = want.kind else { return }
        add(.createBond(name: bond, mac: want.mac, mtu: want.mtu, options: options))
        if !end.links[bond, default: want].ipv6.isLike(want.ipv6) { add(.setIPv6(link: bond, want.ipv6)) }
    }

    private mutating func enslave(to bond: String, whereFree: Bool) {
        for slave in wantedPorts[bond] ?? [] {
            guard let have = end.links[slave], have.master != bond else { continue }
            guard (have.master.flatMap { end.links[$0]?.isBond } != true) == whereFree else { continue }
            // The master that it leaves takes it down.
            if have.isUp, whereFree { add(.setUp(link: slave, isUp: false)) }
            add(.setMaster(link: slave, master: bond))
        }
    }

    private mutating func release() {
        for name in names {
            guard let have = end.links[name], let want = wanted.links[name], let master = have.master,
                end.links[master]?.isBond == true, want.master != master
            else { continue }
            // A bridge takes it over by itself.
            if want.master == nil { add(.setMaster(link: name, master: nil)) }
        }
    }

    /// When the slaves are there: `primary` names one.
    private mutating func setOptions(of bond: String) {
        guard case .bond(let from)? = end.links[bond]?.kind, case .bond(let to)? = wanted.links[bond]?.kind else {
            return
        }
        change(bond, from, to)
    }
}
