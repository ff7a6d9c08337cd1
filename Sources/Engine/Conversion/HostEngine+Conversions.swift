package import HostConversion
package import HostModel
import Logging

// Servers that become hosts, and go back: what people and programs ask for.

/// A server that is to become a host.
package struct ServerOrder: Sendable {
    package var name: HostName
    package var address: String
    package var port: UInt16
    /// Name or id.
    package var cluster: String?
    package var access: ServerAccess
    package var credentials: ServerCredentials
    package var options = ConversionOptions()

    package init(
        name: HostName,
        address: String,
        port: UInt16 = 54321,
        access: ServerAccess,
        credentials: ServerCredentials
    ) {
        (self.name, self.address, self.port) = (name, address, port)
        (self.access, self.credentials) = (access, credentials)
    }
}

/// How a host that is there is reached once more; what is `nil` stays as it is.
package struct ServerReorder: Sendable {
    package var address: String?
    package var port: UInt16?
    package var user: String?
    package var fingerprint: HostKeyFingerprint?
    package var jump: ServerAccess.Jump?
    package var credentials: ServerCredentials?
    package var choices = ConversionChoices()

    package init() {}
}

extension HostEngine {
    /// Signs in to the server and looks at it; when nothing forbids it, stores the host and begins its conversion. A wrong
    /// password, another host key and whatever blocks are refused here, and then nothing is stored or changed.
    package func addServer(
        _ order: ServerOrder,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> HostRecord {
        var new = try await check(order)
        try await look(at: order, &new.access)
        // It was just signed in to by that key: an engine that is killed before the first step needs no other.
        if order.credentials == .engineKey { (new.access.hasEngineKey, new.access.keyUser) = (true, new.access.user) }
        let made = try await store.addServer(new, order.options, context: context(by: user, correlation))
        desk.start(made.job, order.credentials)
        return try await host(made.host)
    }

    /// Throws what the engine knows against it without asking the server: names and addresses that are taken or are none, a
    /// cluster that there is not, an agent's file that is missing.
    package func checkServer(_ order: ServerOrder) async throws(EngineError) { _ = try await check(order) }

    func check(_ order: ServerOrder) async throws(EngineError) -> NewServer {
        let new = NewServer(
            name: order.name,
            address: order.address,
            port: order.port,
            cluster: order.cluster,
            access: order.access
        )
        try await store.checkServer(new)
        do throws(ConversionError) {
            _ = try order.access.targets(order.credentials, keyFile: gate.keyFile)
            _ = try await gate.request(address: order.address, order.options, host: nil)
        } catch {
            throw EngineError(error)
        }
        return new
    }

    /// Converts a host once more: what is done already is seen on it and left as it is.
    package func reinstall(
        _ id: UniqueID,
        _ order: ServerReorder,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> JobRecord {
        try await begin(.reinstall, id, order, by: user, correlation)
    }

    /// Takes a conversion back. The host is forgotten when the server is as it was.
    package func uninstall(
        _ id: UniqueID,
        _ order: ServerReorder,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> JobRecord {
        if let running = try await activeGuests(of: id), running > 0 {
            throw EngineError(
                .conflict,
                "\(running) guests run on the host.",
                remedy: "Stop them or move them to another host first."
            )
        }
        return try await begin(.uninstall, id, order, by: user, correlation)
    }

    /// What was kept of a conversion, oldest first.
    package func transcript(of job: UniqueID) async throws(EngineError) -> [ConversionLine] {
        try await store.transcript(of: job)
    }

    /// Where the packages lie that servers get from the engine: `deb/Packages`, `rpm/repodata`.
    package var packageDirectory: String { settings.packageDirectory }

    /// The engine's key as a line of authorized_keys.
    package var sshKeyLine: String { gate.keyLine }

    private func begin(
        _ kind: ConversionRow.Kind,
        _ id: UniqueID,
        _ order: ServerReorder,
        by user: String,
        _ correlation: String?
    ) async throws(EngineError) -> JobRecord {
        let host = try await host(id)
        let job = try await store.beginConversion(
            kind,
            of: id,
            { known in try Self.access(known, order, of: host) },
            order.choices,
            context: context(by: user, correlation)
        )
        supervisor.watch(id)
        desk.start(job, order.credentials)
        return try await self.job(job)
    }

    private static func access(
        _ known: ServerAccess?,
        _ order: ServerReorder,
        of host: HostRecord
    ) throws(EngineError) -> ServerAccess {
        guard known != nil || order.credentials != nil else {
            throw EngineError(
                .conflict,
                "Host \(host.name) was not converted by this engine, which knows no way to sign in there.",
                remedy: "A booted node is upgraded with `muster host upgrade`; for a server give its password or key."
            )
        }
        var access = known ?? ServerAccess(address: host.address)
        access.address = order.address ?? access.address
        access.port = order.port ?? access.port
        access.fingerprint = order.fingerprint ?? access.fingerprint
        access.jump = order.jump ?? access.jump
        if let credentials = order.credentials {
            // What was given may be wrong: that the engine's key opens an account is known as before.
            if access.hasEngineKey { access.keyUser = access.byEngineKey.user }
            access.user = order.user ?? (access.hasEngineKey ? "root" : access.user)
            if credentials == .engineKey { access.hasEngineKey = true }
        } else if !access.hasEngineKey {
            throw EngineError(
                .conflict,
                "The server of host \(host.name) does not know the engine's key yet, and the engine keeps no password.",
                remedy: "Give it: --password-file FILE."
            )
        }
        return access
    }

    /// `nil` where the host cannot be asked; one that is up must answer.
    private func activeGuests(of id: UniqueID) async throws(EngineError) -> Int? {
        guard try await host(id).status == .up else { return try? await guests(on: id) }
        return try await guests(on: id)
    }

    /// Pins the host keys that are shown. Throws what forbids the conversion.
    private func look(at order: ServerOrder, _ access: inout ServerAccess) async throws(EngineError) {
        do throws(ConversionError) {
            let seen = try await gate.inspect(order)
            if let refusal = Self.refusal(seen.report, order.name) { throw refusal }
            access.pin(seen.key.fingerprint, jump: seen.jumpKey?.fingerprint)
        } catch {
            throw EngineError(error)
        }
    }

    private static func refusal(_ report: PreflightReport, _ name: HostName) -> ConversionError? {
        guard let first = report.blocking.first else { return nil }
        let more = report.blocking.count - 1
        let others = more == 0 ? "" : "; \(more) more finding\(more == 1 ? "" : "s") forbid\(more == 1 ? "s" : "") it"
        return ConversionError(
            .blocked,
            "\(name) can not become a node: \(first.sentence)\(others)",
            remedy: first.remedy,
            detail: report.table
        )
    }
}

extension EngineError {
    /// A server that could not be signed in to, or may not be converted: oVirt answers all of them with 409.
    init(_ error: ConversionError) {
        let kind: Kind =
            switch error.kind {
            case .argument: .invalid
            case .missingTool, .files: .failed
            case .interrupted: .unavailable
            case .name, .unreachable, .timeout, .authentication, .hostKey, .privilege, .shell, .connectionLost, .silent,
                .answer, .blocked, .busy, .machine, .step:
                .conflict
            }
        self.init(kind, sentence(error.message), remedy: sentence(error.remedy))
    }
}

extension HostEngine {
    /// Works on stored conversions, from the stored state on, until the task is cancelled.
    func workOnConversions() async throws(EngineError) {
        for row in try await store.conversionsToGoOn() {
            if row.detail.abort == nil { desk.start(row.id) } else { desk.stop(row.id) }
        }
        await desk.run(atOnce: settings.conversions.atOnce) { job in
            await self.workUntilOverruled(on: job)
            // Whoever worked on it is gone; what he had begun on the server is ended now.
            if await self.isAborted(job) { await self.workUntilOverruled(on: job) }
        }
    }

    private func isAborted(_ job: UniqueID) async -> Bool {
        guard !Task.isCancelled else { return false }
        return (try? await store.conversion(job)?.detail.abort) != nil
    }

    private func workUntilOverruled(on job: UniqueID) async {
        let isStopping = await isAborted(job)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.workUntilDone(on: job) }
            group.addTask { await self.waitUntilOverruled(job, isStopping: isStopping) }
            await group.next()
            group.cancelAll()
        }
    }

    private func workUntilDone(on job: UniqueID) async {
        do throws(EngineError) { try await workOn(job) } catch {
            logger.of(job: job).error("The conversion \(job) is begun anew: \(error)")
            try? await Task.sleep(for: .milliseconds(settings.conversions.poll))
            desk.start(job)
        }
    }

    /// Returns when somebody else has ended the conversion: its host was removed, or approved with another key; or wants it
    /// stopped. Whatever runs for it then ends too, and others have its place.
    private func waitUntilOverruled(_ job: UniqueID, isStopping: Bool) async {
        while !Task.isCancelled {
            do throws(EngineError) {
                guard let row = try await store.conversion(job) else { return desk.forget(job) }
                if row.detail.abort != nil, !isStopping { return }
            } catch {
                logger.of(job: job).debug("The conversion \(job) could not be read: \(error)")
            }
            try? await Task.sleep(for: .milliseconds(settings.conversions.poll))
        }
    }

    private func workOn(_ job: UniqueID) async throws(EngineError) {
        guard let row = try await store.conversion(job), let host = try await store.watched(row.host) else {
            return desk.forget(job)
        }
        switch row.stage {
        case .network: supervisor.watch(row.host)
        case .reboot:
            guard let target = host.target else { return }
            let dialer = try AgentDialer(
                authority: authority.certificate,
                identity: identity,
                times: settings.monitoring
            )
            let link = AgentLink(dialer, target)
            let reboot = ServerReboot(
                job: job,
                host: host,
                link: link,
                store: store,
                settings: settings,
                logger: logger
            )
            try await reboot.run(row)
            await link.close()
            supervisor.watch(row.host)
        case .server:
            let work = ConversionWork(
                job: job,
                host: host.row,
                store: store,
                gate: gate,
                desk: desk,
                authority: authority,
                logger: logger
            )
            if row.detail.abort != nil {
                try await work.stop(row)
            } else if row.kind == .uninstall {
                try await work.uninstall(row)
            } else {
                _ = try await work.convert(row)
            }
            supervisor.watch(row.host)
        }
    }
}
