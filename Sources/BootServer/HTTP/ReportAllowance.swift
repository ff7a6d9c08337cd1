import HostModel
import NIOCore
import Synchronization

/// How many reports of scripts are taken: a burst from each machine, then one at a time, so that a machine in a loop, or
/// somebody who plays one, cannot fill the engine's event log.
final class ReportAllowance: Sendable {
    private struct Machine {
        var left: Int
        var since: NIODeadline
    }

    private let machines = Mutex<[MACAddress: Machine]>([:])
    private let limits: BootHTTPLimits

    init(limits: BootHTTPLimits) { self.limits = limits }

    /// True when this report may pass; it is counted then.
    func take(_ mac: MACAddress, now: NIODeadline = .now()) -> Bool {
        let perReport = TimeAmount.seconds(Int64(limits.reportSeconds)).nanoseconds
        return machines.withLock { machines in
            if machines[mac] == nil, machines.count >= limits.reportingMachinesMax {
                // A machine whose whole burst has grown back needs no entry.
                machines = machines.filter { _, machine in
                    let back = (now - machine.since).nanoseconds / perReport
                    return Int64(machine.left) + back < Int64(limits.reportsPerMachine)
                }
                guard machines.count < limits.reportingMachinesMax else { return false }
            }
            var machine = machines[mac] ?? Machine(left: limits.reportsPerMachine, since: now)
            let back = (now - machine.since).nanoseconds / perReport
            if back > 0 {
                machine.left = Int(min(Int64(machine.left) + back, Int64(limits.reportsPerMachine)))
                machine.since = now
            }
            let mayPass = machine.left > 0
            if mayPass { machine.left -= 1 }
            machines[mac] = machine
            return mayPass
        }
    }
}
