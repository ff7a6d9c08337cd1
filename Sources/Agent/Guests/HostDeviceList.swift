import Synchronization
import Virtualization

/// What libvirt says of the host's devices, which may be thousands: asked once for all who want to know it at the same time,
/// and kept for a moment.
final class HostDeviceList: Sendable {
    private struct State: Sendable {
        var devices: [HostDevice] = []
        var answered: ContinuousClock.Instant?
        var asking: Task<[HostDevice], any Error>?
    }

    private let state = Mutex(State())

    /// How long an answer holds.
    static let freshness = Duration.seconds(10)

    /// The answer that still holds at `now`, the one that is under way, or that of `ask`. What `ask` throws is thrown to all
    /// who wait, and not kept.
    func devices(
        now: ContinuousClock.Instant = .now,
        _ ask: @escaping @Sendable () async throws -> [HostDevice]
    ) async throws -> [HostDevice] {
        let task = state.withLock { state -> Task<[HostDevice], any Error> in
            if let answered = state.answered, answered.duration(to: now) < Self.freshness {
                let devices = state.devices
                return Task { devices }
            }
            if let asking = state.asking { return asking }
            let task = Task { try await self.keep(ask, since: now) }
            state.asking = task
            return task
        }
        return try await task.value
    }

    /// What was said before holds no longer.
    func forget() { state.withLock { $0.answered = nil } }

    private func keep(
        _ ask: @Sendable () async throws -> [HostDevice],
        since now: ContinuousClock.Instant
    ) async throws -> [HostDevice] {
        do {
            let devices = try await ask()
            state.withLock { $0 = State(devices: devices, answered: max(now, .now)) }
            return devices
        } catch {
            state.withLock { $0.asking = nil }
            throw error
        }
    }
}
