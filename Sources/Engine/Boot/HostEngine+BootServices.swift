import BootServer
package import HostModel
import Synchronization

/// The boot servers as they said last. In memory: each says it anew every few seconds.
final class BootServiceBook: Sendable {
    private let services = Mutex<[String: BootServiceRecord]>([:])
    /// When it was last written down that a boot server on another segment was heard.
    private let noted = Mutex<[UniqueID: Int64]>([:])

    /// More boot servers than one engine has.
    private static let servicesMax = 320
    /// One that was silent for so long, in milliseconds, is gone: its address or interface may be another's.
    private static let silenceMax: Int64 = 3_600_000

    /// `server`: one on another segment; `nil`: the engine's own.
    func put(_ status: BootStatus, of server: HostName? = nil, at now: Int64) {
        services.withLock { services in
            services = services.filter { now - $0.value.reported < Self.silenceMax }
            // Without the length of its prefix, as in the metrics: a server whose network was made larger is the same one.
            let key = "\(server?.rawValue ?? "") \(status.interface) \(status.address.address)"
            guard services[key] != nil || services.count < Self.servicesMax else { return }
            services[key] = BootServiceRecord(status: status, reported: now, server: server)
        }
    }

    /// What a removed boot server said counts no more.
    func forget(_ server: HostName) {
        services.withLock { $0 = $0.filter { $0.value.server != server } }
    }

    /// Whether it is time to write down that this boot server was heard.
    func isNews(_ id: UniqueID, at now: Int64, every interval: Int64) -> Bool {
        noted.withLock { noted in
            guard now - (noted[id] ?? .min / 2) >= interval else { return false }
            if noted.count > Self.servicesMax { noted = [:] }
            noted[id] = now
            return true
        }
    }

    var all: [BootServiceRecord] {
        services.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }
}

/// A boot server as it said last.
package struct BootServiceRecord: Sendable {
    package var status: BootStatus
    /// Milliseconds since 1970.
    package var reported: Int64
    /// The name of one on another segment; `nil`: the engine's own.
    package var server: HostName?
}

extension HostEngine {
    package func report(status: BootStatus) async throws { bootBook.put(status, at: settings.clock.now()) }

    /// Each boot server with what it said last, and when (milliseconds since 1970).
    package func bootServices() -> [BootServiceRecord] { bootBook.all }

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
