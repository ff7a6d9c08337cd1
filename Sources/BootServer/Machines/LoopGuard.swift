import HostModel
import Synchronization

/// Finds machines that load a loader, or a signed program, again and again and never come further: chain loading in a circle,
/// or firmware that refuses what it loaded and begins anew.
final class LoopGuard: Sendable {
    private struct Course {
        var loads: [ContinuousClock.Instant] = []
        var stoppedUntil: ContinuousClock.Instant?
        /// When the machine came to its script, or further. What it loads then belongs to that.
        var arrived: ContinuousClock.Instant?

        func isCurrent(_ now: ContinuousClock.Instant) -> Bool {
            loads.contains { now - $0 < LoopGuard.window } || arrived.map { now - $0 < LoopGuard.window } ?? false
                || stoppedUntil.map { now < $0 } ?? false
        }
    }

    private let courses = Mutex<[MACAddress: Course]>([:])

    /// So many loads within `window` without a script are a circle.
    static let loadsMax = 4
    static let window: Duration = .seconds(120)
    /// How long the machine is then told of nothing to boot, so that its firmware goes on to the next boot entry.
    static let pause: Duration = .seconds(120)
    /// Machines that are watched at once; more are not.
    private static let machinesMax = 20_000

    /// Follows a machine by the steps of its boot. Gives the event that is due when it goes in a circle.
    func follow(_ event: BootEvent, now: ContinuousClock.Instant = .now) -> BootEvent? {
        courses.withLock { courses in
            let isArrival = [.script, .localDisk, .denied, .root].contains(event.stage)
            guard isArrival || [.loader, .initramfs].contains(event.stage) else { return nil }
            if courses.count >= Self.machinesMax, courses[event.mac] == nil {
                courses = courses.filter { $0.value.isCurrent(now) }
                guard courses.count < Self.machinesMax else { return nil }
            }
            guard !isArrival else {
                courses[event.mac] = Course(arrived: now)
                return nil
            }
            var course = courses[event.mac] ?? Course()
            // A script's own initramfs. What comes without a script is a signed program, which firmware loads by itself.
            let isOfScript = course.arrived.map { now - $0 < Self.window } ?? false
            guard event.stage == .loader || !isOfScript else { return nil }
            course.loads = course.loads.filter { now - $0 < Self.window } + [now]
            defer { courses[event.mac] = course }
            guard course.loads.count >= Self.loadsMax else { return nil }
            course.loads = []
            course.stoppedUntil = now + Self.pause
            let detail = Self.detail(event.stage)
            return BootEvent(
                mac: event.mac,
                stage: .failed,
                detail: detail,
                address: event.address,
                hardwareID: event.hardwareID
            )
        }
    }

    private static func detail(_ stage: BootEvent.Stage) -> String {
        let cause =
            stage == .initramfs
            ? "loaded its signed program \(loadsMax) times and never came further: its firmware refuses the program, or has "
                + "not the certificate of its signature (docs/boot.md, section 7)"
            : "loaded its loader \(loadsMax) times and never asked for its script: its firmware refuses the loader, or iPXE "
                + "is given the loader again (docs/boot.md, section 1)"
        return cause + "; it is told of nothing for \(pause.components.seconds) s"
    }

    /// True while the machine is to be told of nothing to boot.
    func stops(_ mac: MACAddress, now: ContinuousClock.Instant = .now) -> Bool {
        courses.withLock { $0[mac]?.stoppedUntil.map { now < $0 } ?? false }
    }
}
