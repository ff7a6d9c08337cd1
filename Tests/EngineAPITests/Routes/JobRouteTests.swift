import HTTPTypes
import HostModel
import Testing

@testable import Engine
@testable import EngineAPI

/// The routes of disks, upgrades and jobs. What they lead to is EngineTests' affair.
@Suite struct JobRouteTests {
    private static let api = APIClient.api
    private static let nobody = "00000000-0000-0000-0000-000000000001"

    @Test(
        "strangers get nothing",
        arguments: [
            ("GET", "jobs"), ("GET", "jobs/\(nobody)"), ("GET", "jobs/\(nobody)/steps"),
            ("GET", "hosts/\(nobody)/jobs"),
            ("GET", "hosts/\(nobody)/disks"), ("GET", "hosts/\(nobody)/logs"), ("GET", "hosts/\(nobody)/lldp"),
            ("POST", "hosts/\(nobody)/installdisk"), ("POST", "jobs/\(nobody)/abort"), ("POST", "jobs/\(nobody)/end"),
            ("POST", "jobs/\(nobody)/clear"),
            ("POST", "hosts/\(nobody)/upgrade"),
            ("POST", "hosts/\(nobody)/upgradecheck"), ("POST", "hosts/\(nobody)/rollback"),
        ]
    )
    func needsASignIn(method: String, path: String) async throws {
        try await APIInstallation.run { signedIn in
            var client = signedIn
            let verb = HTTPRequest.Method(method) ?? .get
            for token in [nil, "", "t0k3n"] {
                client.token = token
                #expect(try await client.send(verb, "\(Self.api)/\(path)", "{}").status == 401)
            }
            let body = path.hasSuffix("installdisk") ? #"{"disk": "serial=1"}"# : "{}"
            let shown = try await signedIn.send(verb, "\(Self.api)/\(path)", method == "POST" ? body : nil)
            #expect(shown.status == (path == "jobs" ? 200 : 404), "\(shown.body)")
        }
    }

    @Test("a host that is not up is not worked on, and what is not an order is refused")
    func refusals() async throws {
        try await APIInstallation.run { client in
            let node = try await client.enrol(hardwareID: "web")
            let host = "\(Self.api)/hosts/\(node.host)"
            let bad = ["{}", #"{"disk": "--wipe"}"#, #"{"disk": 7}"#, #"{"disk": "a", "image": "../x"}"#, "[", ""]
            for body in bad {
                let answer = try await client.send(.post, "\(host)/installdisk", body)
                #expect(answer.status == 400, "\(body): \(answer.body)")
            }
            for (action, body) in [
                ("installdisk", #"{"disk": "serial=1"}"#), ("upgrade", ""), ("upgrade", #"{"reboot": "true"}"#),
                ("rollback", ""), ("upgradecheck", ""),
            ] {
                let answer = try await client.send(.post, "\(host)/\(action)", body)
                #expect(answer.status == 409, "\(action): \(answer.body)")
                #expect(answer.fault?.remedy?.isEmpty == false)
            }
            #expect(try await client.get("\(host)/disks").status == 409)
            #expect(try await client.get("\(host)/logs").status == 409)
            #expect(try await client.get("\(host)/logs?max=x").status == 400)
            #expect(try await client.get("\(host)/jobs").body == #"{"job":[]}"#)
            #expect(try await client.get("\(Self.api)/jobs?max=x").status == 400)
        }
    }

    @Test("a job of the engine's own is never ended as succeeded", arguments: ["true", #""true""#])
    func endsOnlyEarly(flag: String) async throws {
        try await APIInstallation.run { client in
            let job = "\(Self.api)/jobs/\(Self.nobody)"
            let good = try await client.send(.post, "\(job)/end", #"{"succeeded": \#(flag), "force": true}"#)
            let bad = try await client.send(.post, "\(job)/end", #"{"succeeded": false}"#)
            #expect(good.status == 409 && bad.status == 404)
        }
    }

    @Test("a job is what oVirt calls one, with our steps")
    func shows() async throws {
        let row = ImageJobRow(
            id: .random(),
            kind: .upgrade,
            host: .random(),
            state: .failed,
            step: .comeBack,
            deadline: 0,
            orders: 1,
            plan: #"{"name":"node","version":"v2","wasInMaintenance":false}"#,
            percent: 40,
            activity: "a",
            started: 1_800_000_000_000,
            ended: 1_800_000_060_000,
            error: "It broke.",
            remedy: "Mend it.",
            user: "admin@internal"
        )
        var host = HostRow.waiting(
            try #require(HostName("node-1")),
            at: "192.0.2.1",
            port: 54321,
            in: .random(),
            hardwareID: try #require(HardwareID("x")),
            from: "",
            now: 0
        )
        host.id = row.host
        let job = JobResource(JobRecord(row, of: host))
        #expect(job.status == "failed" && job.description == "Host node-1: the upgrade to node v2")
        #expect(job.muster.steps.map(\.status) == ["finished", "finished", "finished", "failed"])
        #expect(job.muster.steps.last?.progress == "40" && job.muster.error == "It broke.")
        #expect(job.end_time == "2027-01-15T08:01:00.000Z")
        #expect(job.owner?.name == "admin@internal" && job.host?.name == "node-1")
    }
}
