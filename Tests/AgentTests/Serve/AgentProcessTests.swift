import AgentWire
import HostModel
import NIOCore
import Subprocess
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// `serve` and `apply` as processes, with a client of another language, in namespaces of their own.
@Suite(.serialized) struct AgentProcessTests {
    @Test("who may speak: the engine, and the agent itself from its own host; serve has no root")
    func admission() async throws {
        try await AgentRig.run { rig in
            try await rig.serving(isReady: false) { serve in
                try rig.approve()
                try rig.keepImpostor()
                try await serve.await("listening on")
                let status =
                    try readFile(FilePath("/proc/\(serve.pid)/status")).map { String(decoding: $0, as: UTF8.self) }
                    ?? ""
                #expect(status.contains("Uid:\t36\t36\t36\t36") && status.contains("CapEff:\t0000000000000000"))
                let engine = try await rig.client("engine", "Host.ping2", "Host.nope", "Host.getHardwareInfo")
                try #require(engine.count > 3, "\(engine), and the agent said: \(serve.text)")
                #expect(engine.prefix(2) == ["CONNECTED 24000,0", "true"])
                #expect(engine[2].contains("-32601") && engine[3].contains("systemUUID"))
                #expect(try await rig.client("own", to: "127.0.0.1", isLocal: true, "Host.ping2").contains("true"))
                for stranger in ["other", "impostor", "own"] {
                    #expect(try await !rig.client(stranger, "Host.ping2").contains("true"), "\(stranger)")
                }
                #expect(try await rig.client("engine", "raw:SEND\nbad\n\n\0", "Host.ping2").last == "closed")
                #expect(try await rig.client("engine", "Host.ping2").contains("true"), "it keeps serving")
            }
        }
    }

    @Test(
        "whoever holds connections that say nothing does not keep the engine out, not even from the engine's own address",
        arguments: [["10.88.0.1"], (10..<30).map { "10.88.0.\($0)" }]
    )
    func flood(sources: [String]) async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            let began = ContinuousClock.now
            try await rig.serving { serve in
                try await rig.connected { engine in
                    try await rig.flooding(200 / sources.count, from: sources) { _ in
                        for _ in 0..<5 {
                            // On a busy machine it may be pushed out before its first byte is there; an engine dials again.
                            var answer: [String] = []
                            for _ in 0..<3 where !answer.contains("true") {
                                answer = try await rig.client("engine", "Host.ping2")
                            }
                            #expect(answer.contains("true"), "\(answer)")
                        }
                        #expect(!engine.text.contains("closed"), "strangers crowd out no engine")
                    }
                }
                let said = serve.text.split(separator: "\n").count { $0.contains("a connection ended") }
                let minutes = Int(began.duration(to: .now).components.seconds / 60) + 1
                #expect(said <= 4 * (sources.count + 1) * minutes, "\(said) lines for a flood of \(minutes) minutes")
            }
        }
    }

    @Test("a renewed certificate is taken into use without a restart, and the connections of the old one are closed")
    func renewal() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.serving { serve in
                try await rig.connected { engine in
                    try rig.approve()
                    try await engine.await("the agent closed the connection")
                    try await serve.await("listening on")
                    #expect(try await rig.client("engine", "Host.ping2").contains("true"))
                }
            }
        }
    }

    enum Leaving: String, CaseIterable {
        case console
        case arguments
        case fingerprint
    }

    @Test("a node that left its engine obeys it no longer: no listener, no connection", arguments: Leaving.allCases)
    func left(way: Leaving) async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try rig.tell("management_server=engine.example")
            try await rig.serving { serve in
                try await rig.connected { engine in
                    switch way {
                    case .console: try Credentials.forget(in: rig.sub("state"))
                    case .arguments: try rig.tell("management_server=other.example")
                    case .fingerprint: try rig.tell("management_server_fingerprint=\(Nonce.random())")
                    }
                    try await engine.await("the agent closed the connection")
                    try await serve.await("waiting for key")
                    #expect(try await !rig.client("engine", "Host.ping2").contains("true"))
                    try rig.tell("management_server=engine.example")
                    try rig.approve()
                    try await serve.await("listening on")
                    #expect(try await rig.client("engine", "Host.ping2").contains("true"))
                }
            }
        }
    }

    static let fixedAddress =
        #""ipaddr": "10.88.0.2", "netmask": "255.255.255.0", "gateway": "10.88.0.1""#
    static let management = """
        {"networks": {"ovirtmgmt": {"nic": "veth_0", \(fixedAddress), "defaultRoute": true, "bridged": "true", "STP": "no", "mtu": 1500}}, "bondings": {}, \
        "options": {"connectivityCheck": "true", "connectivityTimeout": 4, "commitOnSuccess": true}}
        """

    static func isBridged(_ network: String) -> Bool {
        network.contains("default via 10.88.0.1 dev ovirtmgmt") && network.contains("ovirtmgmt        UP")
    }

    private static func isPlain(_ network: String) -> Bool {
        network.contains("default via 10.88.0.1 dev veth_0") && !network.contains("ovirtmgmt")
    }

    @Test("ovirtmgmt over the NIC that carries the connection, confirmed over it, committed, and reported")
    func managementBridge() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                try await rig.serving { _ in
                    let answer = try await rig.client(
                        "engine",
                        "+Host.setupNetworks",
                        Self.management,
                        "poll:Host.ping2"
                    )
                    #expect(answer == ["CONNECTED 24000,0", "true", "RECEIPT "])
                    try await rig.awaitNetwork(Self.isBridged)
                    let capabilities = try await capabilities(rig)
                    #expect(capabilities.lastClientIface == "ovirtmgmt")
                    #expect(capabilities.netConfigDirty == "False")
                    #expect(capabilities.nics["veth_0"]?.address.addr == "")
                    let network = try #require(capabilities.networks["ovirtmgmt"])
                    #expect((network.ports, network.southbound) == (["veth_0"], "veth_0"))
                    #expect(network.address.addr == AgentRig.hostAddress)
                    #expect(
                        try NetworkConfiguration.persistent(in: rig.directory.file("vdsm")).owned().networks.count == 1
                    )
                    let again = try await rig.client(
                        "engine",
                        "+Host.setupNetworks",
                        Self.management,
                        "poll:Host.ping2"
                    )
                    #expect(again.contains("true"), "nothing to do is no error")
                }
            }
        }
    }

    @Test(
        "after a start of the machine the committed networks stand again, without the engine; also where /var says that they still run",
        arguments: [false, true]
    )
    func restored(isRunningKept: Bool) async throws {
        try await AgentRig.run { rig in
            let call = try SetupNetworksParameters(
                params: try JSONText.decode(JSONValue.self, from: ByteBuffer(string: Self.management))
            )
            let network = try WantedNetwork(name: "ovirtmgmt", attributes: try #require(call.networks["ovirtmgmt"]))
            let vdsm = rig.directory.file("vdsm")
            let kept = OwnedNetworks(networks: ["ovirtmgmt": network])
            try NetworkConfiguration.persistent(in: vdsm).save(kept)
            if isRunningKept { try NetworkConfiguration.running(in: vdsm).save(kept) }
            let run = rig.sub("run")
            try run.make()
            try run.write(value: BootNetworkReport(.done, detail: nil, links: []), to: BootNetworkReport.fileName)
            try await rig.applying { _ in try await rig.awaitNetwork(Self.isBridged) }
            #expect(try NetworkConfiguration.running(in: vdsm).owned().networks.keys.sorted() == ["ovirtmgmt"])
        }
    }

    @Test("validation errors carry VDSM's codes and change nothing")
    func refusals() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                try await rig.serving { _ in
                    let answers = try await rig.client(
                        "engine",
                        "Host.setupNetworks",
                        #"{"networks": {"n": {"nic": "nope"}}}"#,
                        "Host.setupNetworks",
                        #"{"networks": {"n": {"nic": "veth_0", "vlan": 5000}}}"#,
                        "Host.setupNetworks",
                        #"{"bondings": {"bond0": {"nics": ["veth_0"], "options": "mode=9"}}}"#,
                        "Host.setupNetworks",
                        #"{"networks": 7}"#
                    )
                    #expect(
                        zip(answers.dropFirst(), ["23", "26", "25", "-32602"]).allSatisfy {
                            $0.contains("\"code\": \($1),")
                        }
                    )
                    try await rig.awaitNetwork(Self.isPlain)
                }
            }
        }
    }

    @Test("F16: an engine that is not heard: code 10, and the previous state; meanwhile a second change is refused")
    func nobodyHeard() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { apply in
                try await rig.serving { _ in
                    async let first = rig.client("engine", "Host.setupNetworks", Self.management)
                    try await apply.await("remove 10.88.0.2/24 from veth_0")
                    let second = try await rig.client("engine", "Host.setupNetworks", Self.management)
                    #expect(second.contains { $0.contains("\"code\": 40,") })
                    #expect(try await first.contains { $0.contains("\"code\": 10,") })
                    try await rig.awaitNetwork(Self.isPlain)
                    #expect(try await capabilities(rig).networks.isEmpty)
                }
            }
        }
    }

    @Test(
        "F19: an engine that is killed during the wait: the next one sees the network, is refused to keep it, and is heard"
    )
    func engineKilled() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                try await rig.serving { _ in
                    let slow = Self.management.replacing(
                        #""connectivityTimeout": 4"#,
                        with: #""connectivityTimeout": 60"#
                    )
                    _ = try await rig.client("engine", "+Host.setupNetworks", slow, "Host.getStats", "leave")
                    try await rig.awaitNetwork(Self.isBridged)
                    var shown = try await capabilities(rig)
                    while shown.networks["ovirtmgmt"] == nil {
                        #expect(shown.bridges["ovirtmgmt"] != nil, "until then nobody owns the bridge")
                        shown = try await capabilities(rig)
                    }
                    #expect(shown.netConfigDirty == "True", "so that an engine can tell that the change is under way")
                    let early = try await rig.client("engine", "Host.setSafeNetworkConfig")
                    #expect(early.contains { $0.contains("\"code\": 40,") })
                    _ = try await rig.client("engine", "Host.confirmConnectivity")
                    while shown.netConfigDirty == "True" { shown = try await capabilities(rig) }
                    #expect(try await rig.client("engine", "Host.setSafeNetworkConfig").contains("true"))
                    #expect(
                        try NetworkConfiguration.persistent(in: rig.directory.file("vdsm")).owned().networks.count == 1
                    )
                }
            }
        }
    }

    @Test(
        "F19: an engine that is killed during the wait, and no other comes: the previous state, by the agent's own clock"
    )
    func engineGone() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { apply in
                try await rig.serving { _ in
                    _ = try await rig.client("engine", "+Host.setupNetworks", Self.management, "Host.getStats", "leave")
                    try await apply.await("taken back")
                    try await rig.awaitNetwork(Self.isPlain)
                }
            }
        }
    }

    @Test("an engine that listens is told when its host's links change, and not for each of many changes")
    func events() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.serving { _ in
                try await rig.listening { client in
                    try await rig.flap()
                    try await client.await("|net|host_conn|no_id")
                    try await client.await("fewer than 40 events")
                }
            }
        }
    }

    @Test("the agent's own voice does not count as the engine's")
    func ownVoice() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                try await rig.serving { _ in
                    let answer = try await rig.client(
                        "own",
                        to: "127.0.0.1",
                        isLocal: true,
                        "+Host.setupNetworks",
                        Self.management,
                        "poll:Host.ping2"
                    )
                    #expect(answer.contains { $0.contains("\"code\": 10,") })
                    try await rig.awaitNetwork(Self.isPlain)
                }
            }
        }
    }

    @Test("serve is killed during the wait: the previous state comes back")
    func serveKilled() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { apply in
                try await rig.serving { serve in
                    async let call = rig.client("engine", "Host.setupNetworks", Self.management)
                    try await apply.await("remove 10.88.0.2/24 from veth_0")
                    serve.kill()
                    #expect(try await call.last == "closed")
                    try await apply.await("taken back")
                    try await rig.awaitNetwork(Self.isPlain)
                }
            }
        }
    }

    @Test("F17: apply is killed during the wait: its next start takes the change back")
    func applyKilled() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { apply in
                try await rig.serving { _ in
                    async let call = rig.client("engine", "Host.setupNetworks", Self.management)
                    try await apply.await("remove 10.88.0.2/24 from veth_0")
                    apply.kill()
                    #expect(try await call.contains { $0.contains("\"code\": 40,") })
                    try await rig.awaitNetwork(Self.isBridged)
                    try await rig.applying { _ in
                        try await rig.awaitNetwork(Self.isPlain)
                        #expect(try await capabilities(rig).networks.isEmpty)
                        let answer = try await rig.client(
                            "engine",
                            "+Host.setupNetworks",
                            Self.management,
                            "poll:Host.ping2"
                        )
                        #expect(answer.contains("true"))
                    }
                }
            }
        }
    }

    @Test(
        "A35: apply answers vdsm and root, and nobody else, whatever the socket's mode",
        arguments: [
            (UInt32(36), true), (0, true), (1000, false), (65534, false),
        ]
    )
    func peerCredentials(user: UInt32, isAnswered: Bool) async throws {
        try await AgentRig.run { rig in
            try await rig.applying { _ in
                let answer = try await rig.askApply(asUser: user)
                #expect(answer.contains("\"result\"") == isAnswered, "\(answer)")
            }
        }
    }

    private func capabilities(
        _ rig: AgentRig,
        at address: String = AgentRig.hostAddress
    ) async throws -> HostCapabilities {
        let lines = try await rig.client("engine", to: address, "Host.getCapabilities")
        let line = try #require(lines.first { $0.hasPrefix("{") })
        return try HostCapabilities(result: try JSONText.decode(JSONValue.self, from: ByteBuffer(string: line)))
    }
}
