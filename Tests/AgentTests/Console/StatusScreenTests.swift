import Agent
import HostModel
import Testing

@Suite struct StatusScreenTests {
    static let engine = EngineAddress("10.77.0.1")

    static func report(
        _ stage: EnrolmentStatus.Stage,
        code: String? = nil,
        error: CallFailure? = nil,
        warning: EnrolmentStatus.Warning? = nil
    ) -> RegisterReport {
        var status = EnrolmentStatus()
        (status.stage, status.failure, status.warning, status.name) = (stage, error, warning, HostName("node-3456"))
        status.code = code.flatMap { ApprovalCode($0) }
        return RegisterReport(status, engine: engine, since: 0)
    }

    /// A node with one NIC whose kernel arguments name the engine.
    static func snapshot(_ registration: RegisterReport?) -> NodeSnapshot {
        var snapshot = NodeSnapshot(hostName: HostName("node-3456"), registration: registration)
        snapshot.configuration.arguments.engine = engine
        if let name = LinkName("eth0") {
            snapshot.links = [
                ObservedLink(
                    name: name,
                    mac: MACAddress("52:54:00:12:34:56"),
                    hasCarrier: true,
                    addresses: [IPv4Network("10.77.0.100/24")].compactMap(\.self)
                )
            ]
        }
        return snapshot
    }

    static let menu = """

        1 network settings   2 engine address   3 test the way to the engine
        4 log                5 reboot           6 shell
        """

    static func golden(_ body: String) -> String {
        let bar = String(repeating: "=", count: 79)
        return "\n\(bar)\n Muster node\n\(bar)\n\(body)\n\(menu)"
    }

    private func text(_ snapshot: NodeSnapshot) -> String { StatusScreen(snapshot).lines.joined(separator: "\n") }

    private static let head = """
        Host name: node-3456
        Interface eth0: 10.77.0.100/24 (52:54:00:12:34:56)
        Engine: 10.77.0.1
        """

    @Test(arguments: [
        (report(.contacting), "State: asking 10.77.0.1 to take this node"),
        (report(.noNetwork), "State: waiting for an address"),
        (report(.noEngine), "State: no engine is set"),
        (report(.approved), "State: approved, managed by 10.77.0.1"),
        (report(.rejected), "State: rejected by 10.77.0.1; the node asks again in a few minutes"),
        (
            report(.halted, warning: .authorityRefused),
            """
            State: 10.77.0.1 is not the engine that was named; the node asks again in some minutes
            Warning: somebody answered in the engine's place with a CA of another fingerprint.
            """
        ),
        (report(.expired), "State: nobody approved the claim in time; the node asks again"),
        (
            report(.pending, code: "00000-0000"),
            """
            State: waiting for approval by 10.77.0.1
            Approval code: 0000-0000-0
            Approve with: muster host approve node-3456 --code 0000-0000-0
            """
        ),
        (
            report(.pending, code: "00000-0000", warning: .authorityChanged),
            """
            State: waiting for approval by 10.77.0.1
            Approval code: 0000-0000-0
            Approve with: muster host approve node-3456 --code 0000-0000-0
            Warning: the engine's CA is another one than before. Make sure that this is meant.
            """
        ),
        (
            report(.contacting, error: .transport(reason: "nobody listens\u{1b}[2J", remedy: "start it")),
            """
            State: asking 10.77.0.1 to take this node
            Last error: nobody listens\\u{1b}[2J
            Remedy: start it
            """
        ),
    ])
    func states(report: RegisterReport, expected: String) {
        #expect(text(Self.snapshot(report)) == Self.golden("\(Self.head)\n\(expected)"))
    }

    @Test func aBlankNode() {
        #expect(
            text(NodeSnapshot())
                == Self.golden(
                    """
                    Host name: not set yet
                    Interfaces: none found
                    Engine: not set; set it with 2
                    State: starting
                    """
                )
        )
    }

    @Test func rescue() {
        var snapshot = Self.snapshot(nil)
        snapshot.configuration.isRescue = true
        #expect(
            text(snapshot)
                == Self.golden("\(Self.head)\nState: rescue; the machine's disks and the engine are left alone")
        )
    }

    @Test func bridgeAndWaitingNetwork() throws {
        var snapshot = Self.snapshot(Self.report(.approved))
        let bridge = try #require(LinkName("ovirtmgmt"))
        snapshot.links[0].addresses = []
        snapshot.links[0].master = bridge
        snapshot.links.append(
            ObservedLink(
                name: bridge,
                kind: .bridge,
                hasCarrier: true,
                addresses: [try #require(IPv4Network("10.77.0.100/24"))]
            )
        )
        snapshot.network = BootNetworkReport(.waiting, detail: "waiting for a carrier on eth0", links: [])
        snapshot.agent = "serving the engine"
        #expect(
            text(snapshot)
                == Self.golden(
                    """
                    Host name: node-3456
                    Interface eth0: port of ovirtmgmt (52:54:00:12:34:56)
                    Interface ovirtmgmt: 10.77.0.100/24
                    Network: waiting for a carrier on eth0
                    Engine: 10.77.0.1
                    State: approved, managed by 10.77.0.1
                    Agent: serving the engine
                    """
                )
        )
    }

    @Test("nothing that came from elsewhere reaches the terminal unescaped")
    func hostileText() throws {
        var snapshot = Self.snapshot(Self.report(.pending, code: "00000-0000"))
        snapshot.registration?.code = "\u{1b}]0;x\u{7}"
        snapshot.registration?.error = "a\r\nState: approved, managed by nobody"
        snapshot.registration?.remedy = "\u{9b}31m\u{202e}"
        snapshot.network = BootNetworkReport(.failed, detail: "\u{1b}c", links: [])
        snapshot.configuration.arguments = NodeArguments(KernelArguments("ip=\u{1b}[31m"))
        let lines = StatusScreen(snapshot).lines
        #expect(
            lines.allSatisfy {
                $0.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 0x9b && $0.value != 0x202e }
            }
        )
        #expect(!lines.contains { $0.hasPrefix("State: approved") })
        #expect(lines.contains { $0.hasPrefix("Warning: kernel argument ip=\\u{1b}[31m is ignored") })
    }
}
