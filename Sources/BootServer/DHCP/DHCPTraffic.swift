import HostModel
import NIOCore

/// How many messages a DHCP server works on. A known machine is one with a lease or an address kept for it; all others
/// share what is for newcomers, because whoever makes machines up makes up any number.
package struct DHCPLimits: Sendable {
    /// Messages that are being answered at once; more are dropped, and their clients ask again.
    package var exchangesMax = 2048
    /// Of them, those of newcomers, who may all have to wait for the engine: room for one message of each. Whoever is dropped
    /// asks again after 4, 8, 16 seconds, with all the others that were; how often the engine is asked for strangers is the
    /// matter of the burst below.
    package var newcomerExchangesMax = 1024
    /// Messages of newcomers: a burst for 1000 new machines that are powered on at once, each of which is known after its
    /// first discover and request, and may have to repeat both; then so many a second.
    package var newcomersBurst = 4096
    package var newcomersPerSecond = 64
    /// Messages of one known machine: a burst of four boots, then one a second.
    package var machineBurst = 32

    /// New machines that are powered on at once.
    package static let newcomersDefault = 1024
    /// More than the addresses of all pools make no sense, and each number stays a number.
    package static let newcomersMax = 1 << 20

    package init() {}

    /// For so many new machines at once, in the proportions of the default.
    package init(newcomers: Int) {
        let count = min(max(1, newcomers), Self.newcomersMax)
        newcomersBurst = count * 4
        newcomersPerSecond = max(1, count / 16)
        newcomerExchangesMax = max(16, count)
        exchangesMax = max(256, newcomerExchangesMax * 2)
    }
}

/// Which messages are answered.
final class DHCPTraffic: Sendable {
    private let newcomers: Allowance<Int>
    private let machines: Allowance<MACAddress>
    private let gate: Gate

    /// More machines than a network with the largest pool can know.
    private static let machinesMax = 100_000

    init(_ limits: DHCPLimits) {
        let interval = TimeAmount.nanoseconds(1_000_000_000 / Int64(max(1, limits.newcomersPerSecond)))
        newcomers = Allowance(burst: limits.newcomersBurst, interval: interval, keysMax: 1)
        machines = Allowance(burst: limits.machineBurst, interval: .seconds(1), keysMax: Self.machinesMax)
        gate = Gate(limit: limits.newcomerExchangesMax)
    }

    /// False when a message is to be dropped; then `leave` is not to be called.
    func enter(_ mac: MACAddress, isKnown: Bool) -> Bool {
        if isKnown { return machines.take(mac) }
        guard gate.enter() else { return false }
        guard newcomers.take(0) else {
            gate.leave()
            return false
        }
        return true
    }

    func leave(isKnown: Bool) {
        if !isKnown { gate.leave() }
    }
}
