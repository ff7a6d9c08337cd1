import HostModel
import Synchronization

/// Finds machines that load a loader again and again and never come to its script: chain loading in a circle, or firmware
/// that refuses the loader and begins anew.
final class LoopGuard: Sendable {
    private struct Course {
        var loads: [ContinuousClock.Instant] = []
        var stoppedUntil: ContinuousClock.Instant?
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
            if [.script, .localDisk, .denied].contains(event.stage) {
                courses[event.mac] = nil
                return nil
            }
            guard event.stage == .loader else { return nil }
            if courses.count >= Self.machinesMax, courses[event.mac] == nil {
                courses = courses.filter { _, course in
                    course.loads.contains { now - $0 < Self.window } || course.stoppedUntil.map { now < $0 } ?? false
                }
                guard courses.count < Self.machinesMax else { return nil }
            }
            var course = courses[event.mac] ?? Course()
            course.loads = course.loads.filter { now - $0 < Self.window } + [now]
            defer { courses[event.mac] = course }
            guard course.loads.count >= Self.loadsMax else { return nil }
            course.loads = []
            course.stoppedUntil = now + Self.pause
            let detail =
                "loaded its loader \(Self.loadsMax) times and never asked for its script: its firmware refuses the "
                + "loader, or iPXE is given the loader again (docs/boot.md, section 1); it is told of nothing for "
                + "\(Self.pause.components.seconds) s"
            return BootEvent(
                mac: event.mac,
                stage: .failed,
                detail: detail,
                address: event.address,
                hardwareID: event.hardwareID
            )
        }
    }

    /// True while the machine is to be told of nothing to boot.
    func stops(_ mac: MACAddress, now: ContinuousClock.Instant = .now) -> Bool {
        courses.withLock { $0[mac]?.stoppedUntil.map { now < $0 } ?? false }
    }
}
