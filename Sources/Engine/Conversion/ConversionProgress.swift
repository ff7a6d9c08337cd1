import HostConversion
import HostModel
import Synchronization

/// Keeps each event of a conversion: in its record and transcript, and, in plain words, among the host's events.
final class ConversionProgress: ConversionRecord {
    private let job: UniqueID
    private let host: HostRow
    private let store: Store
    private let gate: ServerGate
    private let desk: ConversionDesk
    private let current = Mutex<String?>(nil)

    init(job: UniqueID, host: HostRow, store: Store, gate: ServerGate, desk: ConversionDesk) {
        (self.job, self.host, self.store, self.gate, self.desk) = (job, host, store, gate, desk)
    }

    /// The step that is under way; `nil` before the first.
    var step: String? { current.withLock { $0 } }

    func record(_ event: ConversionEvent) async throws(ConversionError) {
        let name = event.step.rawValue
        current.withLock { $0 = name }
        let (status, note) = Self.standing(event)
        let log = event.log.isEmpty ? "" : "\n\(event.log)"
        let line = ConversionLine(name, "\(event.kind.rawValue): \(event.sentence)\(log)")
        let isRunning: Bool
        do throws(EngineError) {
            isRunning = try await store.note(job, line, event: told(event), at: gate.settings.clock.now()) {
                $0.mark(name, status, note: note)
                if event.kind == .began { $0.detail.hasBegun = true }
            }
        } catch {
            throw ConversionError(.files, error.detail, remedy: error.remedy ?? "see the engine's log")
        }
        guard isRunning else {
            throw ConversionError(.interrupted, "the conversion was given up", remedy: "see muster event list")
        }
        if event.step == .access, event.kind == .finished || event.kind == .already { await tryKey() }
    }

    private static func standing(_ event: ConversionEvent) -> (JobRecord.Status, String?) {
        switch event.kind {
        case .began: (.started, nil)
        case .reconnecting, .waiting: (.started, event.sentence)
        case .finished: (.finished, nil)
        case .already: (.finished, "it was so already")
        case .failed: (.failed, event.sentence)
        }
    }

    private func told(_ event: ConversionEvent) -> (EventCode, EventRecord.Severity, String)? {
        switch event.kind {
        case .began: (.installStep, .normal, "Installing host \(host.name): \(event.sentence).")
        case .reconnecting, .waiting: (.conversionWaits, .warning, "Installing host \(host.name): \(event.sentence).")
        case .failed: (.installStepFailed, .error, "Installing host \(host.name): \(event.sentence).")
        case .finished, .already: nil
        }
    }

    /// From here on no password is needed, if root may sign in by a key; otherwise what was given stays until the end.
    private func tryKey() async {
        guard let known = try? await store.serverAccess(of: host.id) else { return }
        var asRoot = known
        asRoot.user = "root"
        guard known.jump == nil || desk.credentials(of: job) == .engineKey,
            let connection = try? await gate.connect(asRoot, .engineKey)
        else { return }
        await connection.close()
        let change: Void? = try? await store.changeAccess(of: host.id) { access in
            (access.user, access.keyUser, access.hasEngineKey) = ("root", "root", true)
        }
        if change != nil { desk.forget(job) }
    }
}
