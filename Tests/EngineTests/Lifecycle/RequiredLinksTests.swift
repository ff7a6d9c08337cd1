import AgentWire
import HostModel
import Testing

@testable import Engine

/// A host whose required network has lost its link is out of service until the link is back.
@Suite struct RequiredLinksTests {
    private static func link(_ name: String, _ isUp: Bool?) -> HostFigures.Link {
        var link = HostFigures.Link(name: name)
        link.isUp = isUp
        return link
    }

    @Test func whatIsAwayForLongerThanThePatienceIsLost() {
        var links = RequiredLinks()
        links.devices = ["ovirtmgmt": "eth0", "storage": "bond0"]
        links.note([Self.link("eth0", true), Self.link("bond0", false), Self.link("eth7", false)], at: 1000)
        #expect(links.unfitness(at: 1000, after: 500) == nil && links.isAnyDown)
        links.note([Self.link("eth0", true), Self.link("bond0", false), Self.link("eth7", false)], at: 1400)
        #expect(links.unfitness(at: 1499, after: 500) == nil)
        let lost = links.unfitness(at: 1500, after: 500)
        #expect(lost?.reason == .networkInterfaceIsDown)
        #expect(lost?.text.contains("storage") == true && lost?.text.contains("bond0") == true)
        #expect(lost?.text.contains("eth7") == false, "no required network stands on it")
        // A link that came back begins anew.
        links.note([Self.link("bond0", true), Self.link("eth7", false)], at: 1600)
        #expect(!links.isAnyDown)
        #expect(links.unfitness(at: 9000, after: 500) == nil)
        links.note([Self.link("bond0", false)], at: 9000)
        #expect(links.unfitness(at: 9100, after: 500) == nil)
        // Nothing said of a link: it is taken to be well.
        links.note([Self.link("bond0", nil)], at: 9600)
        links.note([], at: 9700)
        #expect(links.unfitness(at: 99_000, after: 0) == nil)
    }

    @Test("a required network's link is lost and comes back: code 603, network_interface_is_down, up")
    func lostAndFound() async throws {
        let clock = TestClock(at: WallClock.system.now())
        let installation = try await ImageWorkTests.installation { settings in
            settings.clock = clock.wall
            settings.monitoring.refresh = 10
        }
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine) { $0.links = ["eth0": true] }
            let before = try #require(try await engine.event(.hostDetected, host: line.host))
            line.agent.change { $0.links = ["eth0": false] }
            // One reading starts the patience; the first one may still be an answer from before.
            for _ in 0..<2 {
                clock.advance(seconds: 16)
                await Self.heard(line)
            }
            #expect(try await engine.host(line.host).status == .up, "it is patient")
            clock.advance(seconds: 61)
            let event = try #require(try await engine.event(.nonOperationalInterfaceDown, host: line.host))
            #expect(event.text.contains("eth0") && event.text.contains("ovirtmgmt"))
            let host = try await engine.host(line.host)
            #expect(host.status == .nonOperational && host.statusDetail == "network_interface_is_down")
            clock.advance(seconds: 16)
            await Self.heard(line)
            #expect(try await engine.host(line.host).status == .nonOperational, "it is not taken back unseen")
            line.agent.change { $0.links = ["eth0": true] }
            clock.advance(seconds: 16)
            _ = try #require(try await engine.event(.hostDetected, after: before.index, host: line.host))
            #expect(try await engine.host(line.host).status == .up)
            try await line.agent.stop()
        }
    }

    /// Until the agent was asked for its statistics a few more times: the answers before the last one are taken in.
    private static func heard(_ line: ImageWorkTests.Line) async { await line.agent.waitForCalls(4, of: .getStats) }
}
