import BootServer
package import HostModel
import Synchronization

/// The boot servers as they said last. In memory: each says it anew every few seconds.
final class BootServiceBook: Sendable {
    private let services = Mutex<[String: (status: BootStatus, reported: Int64)]>([:])

    /// More boot servers than one engine has.
    private static let servicesMax = 64
    /// One that was silent for so long, in milliseconds, is gone: its address or interface may be another's.
    private static let silenceMax: Int64 = 3_600_000

    func put(_ status: BootStatus, at now: Int64) {
        services.withLock { services in
            services = services.filter { now - $0.value.reported < Self.silenceMax }
            // Without the length of its prefix, as in the metrics: a server whose network was made larger is the same one.
            let key = "\(status.interface) \(status.address.address)"
            guard services[key] != nil || services.count < Self.servicesMax else { return }
            services[key] = (status, now)
        }
    }

    var all: [(status: BootStatus, reported: Int64)] {
        services.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }
}

extension HostEngine {
    package func report(status: BootStatus) async throws { bootBook.put(status, at: settings.clock.now()) }

    /// Each boot server with what it said last, and when (milliseconds since 1970).
    package func bootServices() -> [(status: BootStatus, reported: Int64)] { bootBook.all }

    /// What a machine would boot, and why. Changes nothing.
    package func explainBoot(_ mac: MACAddress, architecture: String) async throws -> BootExplanation {
        guard let firmware = BootCourse.firmware(architecture) else {
            throw EngineError(
                .invalid,
                "There is no firmware \(terminalEscaped(architecture.prefix(32))).",
                remedy: "Give one of \(BootCourse.architectures.keys.sorted().joined(separator: ", "))."
            )
        }
        guard let server = bootServices().max(by: { $0.reported < $1.reported })?.status else {
            throw EngineError(
                .conflict,
                "No boot server has said yet how it is.",
                remedy: "Give --boot-interface to muster-engine serve, and wait ten seconds."
            )
        }
        let answer = try await answer(BootRequest(mac: mac, firmware: firmware))
        let kept = try await reservations().first { $0.mac == mac }?.address
        let course = BootCourse(architecture: architecture, answer: answer, server: server, kept: kept)
        return BootExplanation(
            mac: mac,
            host: answer.host?.rawValue,
            profile: answer.profile.name,
            mode: answer.profile.mode.rawValue,
            image: answer.manifest.map { "\($0.name)@\($0.version)" },
            reason: answer.reason,
            steps: course?.steps ?? [],
            verified: course?.verified ?? [],
            unverified: course?.unverified ?? []
        )
    }
}
