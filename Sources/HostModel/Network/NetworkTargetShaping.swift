// The shares of networks on the link below them (ovirt.md 6.1, hostQos).

extension NetworkTarget {
    /// Of every base that the change is about.
    mutating func settleShaping() {
        for base in bases().sorted() {
            guard let link = state.links[base], link.strangersQdisc == nil else { continue }
            let wanted = shaping(of: base)
            if link.shaping != wanted { edit(base) { $0.shaping = wanted } }
        }
    }

    /// `nil` when none of the base's networks asks for a share. What belongs to none of them has a class of its own, with as
    /// much as the first of them, as with VDSM.
    private func shaping(of base: String) -> [Int: TrafficShare]? {
        var classes: [Int: TrafficShare] = [:]
        for network in networks(on: base) {
            guard let share = network.hostQoS else { continue }
            classes[TrafficClass.id(vlan: network.vlan)] = share.inOctets
        }
        guard let first = classes.min(by: { $0.key < $1.key })?.value else { return nil }
        if classes[TrafficClass.untagged] == nil {
            classes[TrafficClass.untagged] = TrafficShare(linkShare: first.linkShare ?? first.realTime)
        }
        return classes
    }
}
