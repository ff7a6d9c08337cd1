package import HostModel

extension HostEngine {
    package func hosts(matching filter: HostFilter) async throws(EngineError) -> [HostRecord] {
        Array(try await hostListing(matching: filter))
    }

    /// The same, of which there may be thousands.
    package func hostListing(matching filter: HostFilter) async throws(EngineError) -> HostListing {
        try await store.hosts(matching: filter).with(statistics, at: settings.clock.now())
    }

    /// How many hosts have each status, as lists show it.
    package func hostCounts() async throws(EngineError) -> [HostStatus: Int] { try await store.hostCounts() }

    package func host(_ id: UniqueID) async throws(EngineError) -> HostRecord {
        withFigures(try await store.host(id))
    }

    /// All claims on a host that still answer, closed ones too, oldest first.
    package func claims(of id: UniqueID) async throws(EngineError) -> [ClaimRecord] {
        try await store.claims(of: id)
    }

    /// JSON of the agent's last `getCapabilities`; `nil` until it was heard.
    package func capabilities(of id: UniqueID) async throws(EngineError) -> String? {
        try await store.capabilities(of: id)
    }

    /// Approves the open claim whose code this is. A typing error, a wrong code, and the code of a claim that is over
    /// are different refusals; only the wrong one counts against the claim. Without a code, an installation that
    /// failed is tried again.
    package func approve(
        _ id: UniqueID,
        code: String?,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let typed = code.map { $0.filter { !$0.isWhitespace } } ?? ""
        if typed.isEmpty {
            _ = try await store.retryInstallation(
                of: id,
                limits: settings.enrolment,
                context: context(by: user, correlation)
            )
        } else {
            guard let code = ApprovalCode(typed.prefix(64)) else {
                throw EngineError(
                    .invalid,
                    "That is not a code: it has nine letters and digits, and the last one checks the others.",
                    remedy: "Type it again as the node's screen shows it, for example K7QD-W3MA-T."
                )
            }
            let office = ApprovalOffice(authority: authority, limits: settings.enrolment)
            let context = context(by: user, correlation)
            _ = try await store.approve(id, code: code, office: office, context: context)
        }
        supervisor.watch(id)
    }

    /// Closes a host's open claims; a host that never was approved is removed.
    package func reject(_ id: UniqueID, by user: String, correlation: String?) async throws(EngineError) {
        try await store.reject(id, limits: settings.enrolment, context: context(by: user, correlation))
    }

    /// Forgets a host, revokes its key and closes the connection to it.
    package func remove(
        _ id: UniqueID,
        force: Bool,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        try await store.remove(id, force: force, context: context(by: user, correlation))
        supervisor.watch(id)
    }
}
