package import HostModel

/// Decides how long to wait for carriers, and which interfaces the boot network then uses. Pure: it is shown the
/// interfaces and the seconds that have passed, as often as one likes.
///
/// A switch port with spanning tree blocks for 30 to 50 seconds after the link came up, and many NICs need some seconds to
/// negotiate; so the interface that the machine booted from is waited for, and where none is named, a carrier that comes
/// first waits a little for the others.
package struct CarrierWait: Hashable, Sendable {
    package enum Decision: Hashable, Sendable {
        /// Not yet; the text says what for.
        case wait(String)
        /// These NICs, in this order; and a remark when that is not what was asked for.
        case go([LinkName], remark: String?)
    }

    package var named: [LinkName]
    package var bootInterface: MACAddress?
    package var secondsMax: Int

    /// How long the first carrier waits for others where nothing says which is meant.
    package static let settleSeconds = 4

    private var firstCarrier: Int?

    package init(_ intent: NetworkIntent, secondsMax: Int) {
        (named, bootInterface, self.secondsMax) = (intent.namedLinks, intent.bootInterface, secondsMax)
    }

    package mutating func decide(_ links: [ObservedLink], seconds: Int) -> Decision {
        let candidates = links.filter { $0.kind == .ethernet }
        let isOver = seconds >= secondsMax
        if !named.isEmpty { return decideNamed(candidates, isOver: isOver) }
        if let bootInterface { return decide(bootInterface, candidates, isOver: isOver) }
        return decideAny(candidates, seconds: seconds, isOver: isOver)
    }

    private func decideNamed(_ candidates: [ObservedLink], isOver: Bool) -> Decision {
        let ready = candidates.filter { $0.hasCarrier && named.contains($0.name) }.map(\.name)
        let missing = named.filter { !ready.contains($0) }
        if missing.isEmpty { return .go(named, remark: nil) }
        let list = missing.map(\.rawValue).joined(separator: ", ")
        return isOver ? .go(named, remark: "no carrier on \(list)") : .wait("waiting for a carrier on \(list)")
    }

    private func decide(_ mac: MACAddress, _ candidates: [ObservedLink], isOver: Bool) -> Decision {
        let boot = candidates.first { $0.mac == mac }
        if let boot, boot.hasCarrier { return .go([boot.name], remark: nil) }
        let what =
            boot.map { "no carrier on \($0.name), which the machine booted from" } ?? "no interface has the MAC \(mac)"
        guard isOver else {
            return .wait(
                boot.map { "waiting for a carrier on \($0.name)" } ?? "waiting for the interface with MAC \(mac)"
            )
        }
        let others = candidates.filter(\.hasCarrier).map(\.name)
        return .go(others.isEmpty ? boot.map { [$0.name] } ?? candidates.map(\.name) : others, remark: what)
    }

    private mutating func decideAny(_ candidates: [ObservedLink], seconds: Int, isOver: Bool) -> Decision {
        let ready = candidates.filter(\.hasCarrier).map(\.name)
        if ready.isEmpty { firstCarrier = nil } else { firstCarrier = firstCarrier ?? seconds }
        if isOver && ready.isEmpty {
            let remark = candidates.isEmpty ? "no network interface was found" : "no interface has a carrier"
            return .go(candidates.map(\.name), remark: remark)
        }
        if let firstCarrier, ready.count == candidates.count || isOver || seconds - firstCarrier >= Self.settleSeconds {
            return .go(ready, remark: nil)
        }
        if candidates.isEmpty { return .wait("waiting for a network interface") }
        return .wait(ready.isEmpty ? "waiting for a carrier" : "waiting for a carrier on the other interfaces")
    }
}
