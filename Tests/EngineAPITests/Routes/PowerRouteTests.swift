import HTTPTypes
import HostModel
import Testing

@testable import EngineAPI

/// Fence agents, power management and announced machines as oVirt's clients send them, as far as no board is needed.
@Suite struct PowerRouteTests {
    private static let api = APIClient.api
    private static let agent =
        #"{"type": "ipmilan", "address": "192.0.2.8", "port": "6230", "username": "admin", "password": "s3cret", "#
        + #""options": {"option": [{"name": "cipher", "value": "17"}]}, "order": 1}"#

    @Test("A29: a fence agent is made, shown, changed and removed, and its password is in no answer") func agents()
        async throws
    {
        try await APIInstallation.run { client in
            let host = try await client.enrol(hardwareID: "web").host
            let place = "\(Self.api)/hosts/\(host)/fenceagents"
            let none = try await client.send(.post, "\(Self.api)/hosts/\(host)/fence", #"{"fence_type": "restart"}"#)
            #expect(none.status == 409 && none.body.contains("has no fence agent"), "\(none.body)")
            let bad = try await client.send(.post, place, Self.agent.replacing("cipher", with: "ipmitool_path"))
            #expect(bad.status == 400 && bad.body.contains("is no option that a host takes"), "\(bad.body)")
            let added = try await client.send(.post, place, Self.agent)
            #expect(added.status == 201, "\(added.body)")
            let id = try #require(try added.json(FenceAgentResource.self).id)
            let list = try await client.get(place)
            #expect(try list.json(FenceAgentCollection.self).agent?.map(\.port?.value) == [6230])
            let elsewhere = try await client.send(.put, "\(place)/\(id)", #"{"address": "192.0.2.66"}"#)
            #expect(elsewhere.status == 409 && elsewhere.body.contains("needs its password again"), "\(elsewhere.body)")
            let option = #"{"options": {"option": [{"name": "ipport", "value": "1"}]}}"#
            #expect(try await client.send(.put, "\(place)/\(id)", option).status == 409, "another port by an option")
            let changed = try await client.send(.put, "\(place)/\(id)", #"{"username": "operator"}"#)
            #expect(try changed.json(FenceAgentResource.self).username == "operator")
            for answer in [added, list, elsewhere, changed] { #expect(!answer.body.contains("s3cret")) }
            let shown = try await client.get("\(Self.api)/hosts/\(host)").json(HostResource.self)
            #expect(shown.power_management?.enabled == true)
            #expect(try await client.send(.delete, "\(place)/\(id)").status == 200)
            let after = try await client.get("\(Self.api)/hosts/\(host)").json(HostResource.self)
            #expect(after.power_management?.enabled == false)
        }
    }

    @Test("one PUT of a host takes what people say of it and its power; the policy is the cluster's") func settings()
        async throws
    {
        try await APIInstallation.run { client in
            let host = try await client.enrol(hardwareID: "web").host
            let place = "\(Self.api)/hosts/\(host)"
            let power =
                #"{"comment": "rack 4", "power_management": {"kdump_detection": true, "pm_proxies": {"pm_proxy": [{"type": "dc"}]}}}"#
            let both = try await client.send(.put, place, power)
            #expect(both.status == 200, "\(both.body)")
            let shown = try await client.get(place).json(HostResource.self)
            #expect(shown.comment == "rack 4" && shown.power_management?.kdump_detection == true)
            #expect(shown.power_management?.pm_proxies?.pm_proxy?.map(\.type) == ["dc"])
            let enabled = try await client.send(.put, place, #"{"power_management": {"enabled": true}}"#)
            #expect(enabled.status == 409 && enabled.body.contains("agent add"), "\(enabled.body)")
            let proxy = try await client.send(
                .put,
                place,
                #"{"power_management": {"pm_proxies": {"pm_proxy": [{"type": "x"}]}}}"#
            )
            #expect(proxy.status == 400, "\(proxy.body)")
            let cluster = try #require(shown.cluster?.id)
            let policy = "\(Self.api)/clusters/\(cluster)/fencingpolicy"
            let set = #"{"enabled": true, "skip_if_connectivity_broken": {"enabled": true, "threshold": "30"}}"#
            #expect(try await client.send(.put, policy, set).status == 200)
            let kept = try await client.get(policy).json(FencingPolicyResource.self)
            #expect(kept.skip_if_connectivity_broken?.threshold?.value == 30)
            let wide = #"{"skip_if_connectivity_broken": {"threshold": 101}}"#
            #expect(try await client.send(.put, policy, wide).status == 400)
        }
    }

    @Test("a machine that cannot come is refused with the reason, and nothing is stored") func announcement()
        async throws
    {
        try await APIInstallation.run { client in
            let body =
                #"{"name": "kvm-9", "address": "", "muster": {"arrival": {"mac": "52:54:00:12:34:56", "board": \#(Self.agent)}}}"#
            let noImage = try await client.send(.post, "\(Self.api)/hosts", body)
            #expect(noImage.status == 409 && noImage.body.contains("muster image publish"), "\(noImage.body)")
            let noMAC = try await client.send(.post, "\(Self.api)/hosts", body.replacing("52:54:00", with: "52:54"))
            #expect(noMAC.status == 400 && noMAC.body.contains("muster.arrival.mac"), "\(noMAC.body)")
            #expect(try await client.get("\(Self.api)/hosts").json(HostCollection.self).host?.isEmpty ?? true)
        }
    }
}
