import BootServer
import EngineClient
import HostModel
import Logging
import Recipes
import ServiceLifecycle
import UnixSignals

/// The engine of another segment, as the options name it.
struct RemoteEngine {
    var wish: SegmentEnrolment.Wish
    var limits: SegmentBootDirectory.Limits
    var stateDirectory: String

    /// Enrols this boot server where that has not been done, however long a person takes; `nil` when it was stopped before.
    func open(_ logger: Logger) async throws -> SegmentBootDirectory? {
        do {
            let enrolment = try SegmentEnrolment(wish, stateDirectory: stateDirectory, logger: logger)
            guard let membership = try await Self.unlessStopped({ try await enrolment.enrol() }) else { return nil }
            let remote = try RemoteBootDirectory(wish.endpoint, membership: membership)
            return try SegmentBootDirectory(
                remote,
                membership: membership,
                stateDirectory: stateDirectory,
                limits: limits,
                logger: logger
            )
        } catch let failure as StartFailure {
            throw failure
        } catch {
            throw Ending(.system, "what this boot server keeps in \(stateDirectory) cannot be used: \(error)")
        }
    }

    /// The engine as nodes of this segment reach it, unless --engine says otherwise: as this boot server does.
    func location(_ fingerprint: Nonce) -> EngineLocation? {
        guard case .https(let host, let port) = wish.endpoint else { return nil }
        return EngineLocation(
            server: port == Endpoint.httpsPort ? host : "\(host):\(port)",
            fingerprint: "\(fingerprint)"
        )
    }

    private static func unlessStopped<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                let signals = await UnixSignalsSequence(trapping: [.sigterm, .sigint])
                for await _ in signals { break }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}

/// What a boot server on another segment does beside serving: hands steps over, tries an engine that is away, fetches images.
struct SegmentService: Service {
    let directory: SegmentBootDirectory

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await directory.run() }
    }
}

extension RemoteEngine {
    /// For `muster-boot check`.
    func findings(_ logger: Logger) async -> [StartCheck.Finding] {
        await SegmentCheck(wish, stateDirectory: stateDirectory, logger: logger).findings()
    }
}
