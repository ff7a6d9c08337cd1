import EngineClient
import HostModel
import NIOCore
import NIOHTTP1
import Synchronization
import TestServers
import Testing

#if canImport(FoundationEssentials)
import FoundationEssentials
#endif

/// The engine's side of docs/protocols.md section 3 over TLS, as far as the command line needs it: one user, hosts that
/// a test sets, and what was asked of it.
final class FakeEngine: Sendable {
    struct State {
        var hosts: [HostResource] = []
        var events: [EventResource] = []
        var images: [NodeImageResource] = []
        var rejections: [RejectionResource] = []
        /// Statuses that the first host takes one after another, one at each look at it.
        var statuses: [String] = []
        /// Method, path, and body of every call.
        var calls: [String] = []
        /// The `Correlation-Id` of every approval.
        var approvals: [String] = []
        /// So many approvals are done, and the connection ends before the answer.
        var lostAnswers = 0
        /// What every call of the API gets instead of an answer.
        var refusal: TestServer.Reply?
        /// The host that refuses every change.
        var refusing: String?
        var capabilities = "{}"
        var disks: [NodeDisk] = []
        var logs: [HostLog] = []
        var neighbours: [String: LLDPReport] = [:]
        /// What `jobs/ID` answers, one after another; the last one stays.
        var jobs: [JobResource] = []
        var plan: [String]?
        /// What happens at each list of the hosts after the first.
        var atLooks: [@Sendable (inout State) -> Void] = []
        var looks = 0
        /// What `POST hosts` answers, unless it only checks or the cluster is mistyped.
        var added: HostResource?
    }

    static let password = "correct horse"
    static let token = "t0k3n"

    let state = Mutex(State())
    let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    /// Runs a test with this engine on a port of loopback.
    func serve<Result>(_ body: (TestServer) async throws -> Result) async throws -> Result {
        try await TestServer.with(tls: try authority.server([.loopback]), respond: { self.answer($0) }, body)
    }

    /// Runs a test with an engine that has these hosts, and the command line logged in to it.
    static func loggedIn(
        hosts: [HostResource] = [Samples.up],
        _ body: (borrowing Program, FakeEngine) async throws -> Void
    ) async throws {
        let engine = try FakeEngine()
        engine.state.withLock { $0.hosts = hosts }
        try await engine.serve { server in
            let program = try Program()
            let fingerprint = Fingerprint(der: try engine.authority.der).description
            let login = try await program.run(
                ["login", "https://127.0.0.1:\(server.port)", "--fingerprint", fingerprint, "--password-file", "-"],
                input: password + "\n"
            )
            #expect(login.exit == 0, "\(login.errors)")
            try await body(program, engine)
        }
    }

    private func answer(_ request: TestServer.Request) -> TestServer.Reply {
        let body = String(buffer: request.body)
        let uri = request.head.uri
        state.withLock { $0.calls.append("\(request.head.method) \(uri)\(body.isEmpty ? "" : " \(body)")") }
        if uri.hasPrefix("/ovirt-engine/services/pki-resource") { return pki }
        if uri == "/ovirt-engine/sso/oauth/token" { return token(form: body) }
        if uri == "/ovirt-engine/services/sso-logout" { return .ok("{}") }
        guard request.head.headers["Authorization"] == ["Bearer \(Self.token)"] else {
            return .ok(#"{"fault":{"reason":"Unauthorized","detail":"no session"}}"#, status: "401 Unauthorized")
        }
        return state.withLock { state in state.refusal ?? Self.api(request, body, &state) }
    }

    private var pki: TestServer.Reply {
        guard let der = try? authority.der else { return .hangUp }
        return .ok(CertificateChain(der: [der]).pem)
    }

    private func token(form: String) -> TestServer.Reply {
        guard form.contains("username=admin%40internal&password=correct%20horse") else {
            let body = #"{"error":"access_denied","error_description":"The user name or password is incorrect."}"#
            return .ok(body, status: "401 Unauthorized")
        }
        return .ok(#"{"access_token":"t0k3n","token_type":"bearer"}"#)
    }

    private static func api(_ request: TestServer.Request, _ body: String, _ state: inout State) -> TestServer.Reply {
        let path = request.head.uri.split(separator: "?")[0].split(separator: "/").dropFirst(2).map(String.init)
        if request.head.method == .POST, path.last == "approve" {
            state.approvals += request.head.headers["Correlation-Id"]
            if state.lostAnswers > 0 {
                state.lostAnswers -= 1
                return .hangUp
            }
        }
        let isChange = request.head.method == .POST || request.head.method == .DELETE
        if isChange, path.count > 2, path[1] == state.refusing {
            let body = #"{"fault":{"reason":"Conflict","detail":"It refuses.","remedy":"Look there."}}"#
            return .ok(body, status: "409 Conflict")
        }
        if isChange, path.dropFirst(2).first == "networkattachments", request.head.uri.hasSuffix("?dry_run=true") {
            return .ok(#"{"plan":["make bridge red"]}"#)
        }
        switch (request.head.method, path.first, path.dropFirst().first, path.dropFirst(2).first) {
        case (.DELETE, "hosts", .some, "networkattachments"): return .ok(#"{"status":"complete"}"#)
        case (.GET, "hosts", nil, nil):
            state.looks += 1
            if state.looks > 1, !state.atLooks.isEmpty {
                state.atLooks.removeFirst()(&state)
                if let refusal = state.refusal { return refusal }
            }
            return json(HostCollection(state.hosts))
        case (.POST, "hosts", nil, nil) where !body.contains("Defualt"):
            guard !request.head.uri.hasSuffix("?dry_run=true") else { return .ok("", status: "204 No Content") }
            guard let host = state.added else { break }
            return json(host)
        case (.GET, "hosts", .some(let id), nil):
            if !state.statuses.isEmpty { state.hosts[0].status = state.statuses.removeFirst() }
            guard let host = state.hosts.first(where: { $0.id == id }) else { break }
            return json(host)
        case (.GET, "hosts", .some, "capabilities"): return .ok(state.capabilities)
        case (.GET, "hosts", .some, "disks"): return json(DiskCollection(state.disks))
        case (.GET, "hosts", .some, "lldp"): return json(LLDPCollection(state.neighbours))
        case (.GET, "hosts", .some, "logs"): return json(HostLogCollection(state.logs))
        case (.POST, "hosts", .some, .some("installdisk")) where state.plan != nil:
            return json(ActionResource(status: "complete", plan: state.plan))
        case (.POST, "hosts", .some, .some(let action)) where ["installdisk", "upgrade", "rollback"].contains(action):
            return .ok(#"{"status":"pending","job":{"id":"j1"}}"#, status: "202 Accepted")
        case (.GET, "jobs", nil, nil): return json(JobCollection(state.jobs))
        case (.POST, "jobs", .some, "abort"): return .ok(#"{"status":"pending"}"#, status: "202 Accepted")
        case (.GET, "jobs", "j1", nil):
            guard let job = state.jobs.first else { break }
            if state.jobs.count > 1 { state.jobs.removeFirst() }
            return json(job)
        case (.POST, "hosts", .some, .some), (.POST, "bootservers", .some, .some),
            (.DELETE, "hosts", .some, nil), (.DELETE, "bootservers", .some, nil):
            return .ok(#"{"status":"complete"}"#)
        case (.GET, "rejections", nil, nil): return json(RejectionCollection(state.rejections))
        case (.DELETE, "rejections", .some, nil): return .ok(#"{"status":"complete"}"#)
        case (.GET, "events", nil, nil): return json(EventCollection(state.events))
        case (.GET, "networks", nil, nil): return json(NetworkCollection([]))
        case (.GET, "nodeimages", nil, nil): return json(NodeImageCollection(state.images))
        case (.GET, "bootservices", nil, nil): return json(BootCommandTests.services)
        case (.GET, "bootservers", nil, nil): return json(BootServerCollection(BootCommandTests.servers))
        case (.GET, "bootservers", "rack-7", nil): return json(BootCommandTests.servers[0])
        case (.GET, "bootservices", "explanation", nil):
            guard let told = BootCommandTests.explanation(request.head.uri) else { break }
            return json(told)
        case (.GET, "bootprofiles", nil, nil): return json(BootProfileCollection([]))
        default: break
        }
        return .ok(
            #"{"fault":{"reason":"Not Found","detail":"There is none.","remedy":"Look."}}"#,
            status: "404 Not Found"
        )
    }

    private static func json(_ value: some Encodable) -> TestServer.Reply {
        guard let data = try? JSONEncoder().encode(value) else { return .hangUp }
        return .ok(String(decoding: data, as: UTF8.self))
    }
}
