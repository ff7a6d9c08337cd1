import HTTPTypes
import HostModel
import Testing

/// `POST hosts/ID/boot`: what a host boots is said whole, or nothing changes.
@Suite struct BootChoiceTests {
    @Test(
        "an order that is half or twice is refused, and the host's choice stays",
        arguments: [
            (#"{"when": "next"}"#, 400), (#"{"when": "next", "inherit": false}"#, 400),
            (#"{"when": "next", "profile": "local", "inherit": true}"#, 400), (#"{"profile": "local"}"#, 400),
            (#"{"when": "sometimes", "profile": "local"}"#, 400), ("{}", 400), ("", 400),
            (#"{"when": "always", "profile": "none-such"}"#, 404),
            (#"{"when": "next", "profile": "local"}"#, 200), (#"{"when": "always", "inherit": true}"#, 200),
        ] as [(String, Int)]
    )
    func orders(body: String, status: Int) async throws {
        try await APIInstallation.run { client in
            let (_, _, id) = try await client.enrol(hardwareID: "boot-a")
            let path = "\(APIClient.api)/hosts/\(id)"
            #expect(
                try await client.send(.post, "\(path)/boot", #"{"when": "always", "profile": "local"}"#).status == 200
            )
            let answer = try await client.send(.post, "\(path)/boot", body)
            #expect(answer.status == status, "\(answer.body)")
            let host = try await client.get(path).json(HostResource.self)
            let isTakenAway = body.contains("always") && status == 200
            #expect(host.muster.boot_profile == (isTakenAway ? nil : "local"))
            #expect(host.muster.next_boot_profile == (body.contains("next") && status == 200 ? "local" : nil))
        }
    }
}
