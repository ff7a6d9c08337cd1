/// How much of the event log machines may take by booting. Nobody has to sign in to boot, so each number is one that a
/// stranger can use up.
package struct BootLimits: Sendable {
    /// Steps of one machine: a boot has about a dozen, so three boots in a row are told whole.
    package var machineBurst = 40
    package var machinePerMinute = 20
    /// Steps of all machines that are no hosts, together: a rack of 1000 new machines that are powered on at once, with
    /// twelve steps each. Afterwards one a second.
    package var strangersBurst = 12_000
    package var strangersPerMinute = 60
    /// Steps of all hosts together: 1000 hosts after a power cut. Afterwards ten a second.
    package var hostsBurst = 16_000
    package var hostsPerMinute = 600
    /// How long a host that boots `deny` the next time only is denied from its first refusal on, in milliseconds. Firmware
    /// asks for up to a minute before it goes on to its next device, and often more than once.
    package var denyWindow: Int64 = 300_000

    package init() {}
}

/// Which boot steps are recorded.
final class BootStepRates: Sendable {
    private let machines: RateLimit
    private let hosts: RateLimit
    private let strangers: RateLimit

    init(_ limits: BootLimits) {
        machines = RateLimit(burst: limits.machineBurst, perMinute: limits.machinePerMinute)
        hosts = RateLimit(burst: limits.hostsBurst, perMinute: limits.hostsPerMinute)
        strangers = RateLimit(burst: limits.strangersBurst, perMinute: limits.strangersPerMinute)
    }

    /// Counts one step. The machine's own share comes first, so that one in a loop does not use up what all share.
    /// `source`: the boot server on another segment that hands it over.
    func allows(_ machine: String, isHost: Bool, at now: Int64, from source: String = "") -> Bool {
        machines.allows(source + machine, at: now) && (isHost ? hosts : strangers).allows(source, at: now)
    }
}
