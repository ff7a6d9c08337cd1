import AgentWire
import HostModel
import Logging

/// Reboots a converted server where it needs that, and waits until its agent is back after another boot.
struct ServerReboot: Sendable {
    let job: UniqueID
    let host: WatchedHost
    let link: AgentLink
    let store: Store
    let settings: EngineSettings
    let logger: Logger

    private static let secondsBetweenCalls: Int64 = 60

    private var now: Int64 { settings.clock.now() }

    func run(_ stored: ConversionRow) async throws(EngineError) {
        var row = stored
        var (told, refusal): (Int64?, String?) = (nil, nil)
        while !Task.isCancelled {
            var reason = ""
            do throws(AgentFailure) {
                let boot = try await link.capabilities().values.boot_uuid
                if let former = row.detail.bootID, former != boot {
                    return try await asAgent { () async throws(EngineError) in try await end(row, nil) }
                }
                if row.detail.bootID == nil {
                    let before = row
                    row = try await asAgent { () async throws(EngineError) in try await remember(boot, before) }
                }
                // Said again where it had no effect: this program may have been killed before it said it.
                if told.map({ now - $0 >= Self.secondsBetweenCalls }) ?? true {
                    told = now
                    refusal = "It could not be told to reboot."
                    _ = try await link.call(.reboot)
                    refusal = nil
                }
                reason = refusal ?? "It has not gone down yet."
                await link.close()
            } catch {
                refusal = refusal.map { _ in error.sentence }
                reason = refusal ?? error.sentence
                await link.close()
            }
            if let deadline = row.detail.rebootDeadline, now >= deadline {
                return try await end(row, Self.late(reason, row.detail.options))
            }
            if row.detail.rebootDeadline == nil { row = try await remember(nil, row) }
            try? await Task.sleep(for: .milliseconds(settings.conversions.poll))
        }
    }

    private static func late(_ reason: String, _ options: ConversionOptions) -> ConversionFailure {
        let left =
            options.undoesFailure
            ? " It was not taken back: what does not come up cannot be, and it was a host before its reboot." : ""
        return ConversionFailure(
            step: ConversionSteps.rebootName,
            "The server was told to reboot and did not come back. \(reason)",
            remedy: "Look at its console; the host is up again when its agent answers.\(left)"
        )
    }

    private func remember(_ boot: String?, _ row: ConversionRow) async throws(EngineError) -> ConversionRow {
        var changed = row
        changed.detail.bootID = boot ?? row.detail.bootID
        changed.detail.rebootDeadline = row.detail.rebootDeadline ?? now + settings.conversions.reboot
        let kept = changed.details
        let text = boot == nil ? "waiting. The agent does not answer before the reboot." : "the server reboots."
        let event = (
            boot == nil ? EventCode.conversionWaits : .installStep,
            boot == nil ? EventRecord.Severity.warning : .normal, "Host \(host.row.name): \(text)"
        )
        try await store.note(job, ConversionLine(ConversionSteps.rebootName, text), event: event, at: now) {
            $0.details = kept
        }
        return changed
    }

    private func end(_ row: ConversionRow, _ failure: ConversionFailure?) async throws(EngineError) {
        let context = TransitionContext(
            now: now,
            times: settings.monitoring,
            user: row.user,
            correlation: row.correlation
        )
        try await store.endConversion(job, failure: failure, context: context)
    }

    private func asAgent<Value>(
        _ body: () async throws(EngineError) -> Value
    ) async throws(AgentFailure) -> Value {
        do { return try await body() } catch { throw .closed("The engine could not keep how far it is: \(error).") }
    }
}
