import HostModel
import Testing

@testable import Engine

/// How a host is brought back, as a table: no board, no clock.
@Suite struct PowerCourseTests {
    private static let times = PowerTimes()

    private static func facts(_ change: (inout PowerFacts) -> Void = { _ in }) throws -> PowerFacts {
        var facts = PowerFacts(name: try #require(HostName("node-1")), status: .nonResponsive)
        (facts.isEnabled, facts.hosts, facts.engineStart) = (true, 4, -1_000_000)
        change(&facts)
        return facts
    }

    private static let failure = PowerFailure(text: "No.", remedy: "Look.")

    @Test("from silence to an answer: agent, power, agent") func wholeWay() throws {
        var course = PowerCourse(.fence, at: 0)
        let facts = try Self.facts()
        var orders: [PowerCourse.Order] = []
        for (signal, now) in [
            (PowerCourse.Signal.done, Int64(1)), (.passed, 30_000), (.passed, 61_000), (.done, 62_000),
            (.power(.on), 63_000),
            (.power(.off), 70_000), (.done, 71_000), (.power(.on), 80_000), (.passed, 100_000), (.greeted, 200_000),
        ] {
            orders.append(course.order)
            _ = course.handle(signal, facts, at: now, Self.times)
        }
        #expect(orders == [.restartAgent, .wait, .wait, .off, .ask, .ask, .on, .ask, .greet, .greet])
    }

    @Test("a host that answers, or is put into maintenance, keeps its power", arguments: [HostStatus.up, .maintenance])
    func spared(status: HostStatus) throws {
        for step in [PowerCourse.Step.softWait, .hold, .kdump] {
            var course = PowerCourse(.fence, step: step, since: 0, attempts: 0, told: nil)
            let effects = course.handle(.passed, try Self.facts { $0.status = status }, at: 1_000_000, Self.times)
            #expect(effects.contains(.end(.finished)), "\(step)")
        }
    }

    @Test("a host that is back while its board refuses is not switched off at the second try")
    func sparedAtTheBoard() throws {
        for signal in [PowerCourse.Signal.failed(Self.failure), .passed] {
            var course = PowerCourse(.fence, step: .off, since: 0, attempts: 0, told: nil)
            let effects = course.handle(signal, try Self.facts { $0.status = .up }, at: 1000, Self.times)
            #expect(effects.contains(.end(.finished)), "\(signal)")
        }
        var course = PowerCourse(.restart, step: .off, since: 0, attempts: 0, told: nil)
        _ = course.handle(.failed(Self.failure), try Self.facts { $0.status = .up }, at: 1000, Self.times)
        #expect(course.order == .off, "a person's order stands")
    }

    @Test("after the wait for a dump the power is asked for anew; a dump without an end does not hold it up for ever")
    func afterTheDump() throws {
        var course = PowerCourse(.fence, step: .kdump, since: 0, attempts: 0, told: nil)
        let storm = try Self.facts { ($0.silentHosts, $0.hosts, $0.detectsKdump) = (3, 4, true) }
        _ = course.handle(.passed, storm, at: Self.times.kdump, Self.times)
        #expect(course.step == .hold && course.order == .wait)
        let endless = try Self.facts {
            ($0.detectsKdump, $0.lastDump, $0.status) = (true, Self.times.kdumpMax, .kdumping)
        }
        course = PowerCourse(.fence, step: .kdump, since: 0, attempts: 0, told: "kdump")
        _ = course.handle(.passed, endless, at: Self.times.kdumpMax - 1, Self.times)
        #expect(course.step == .kdump)
        let effects = course.handle(.passed, endless, at: Self.times.kdumpMax, Self.times)
        #expect(course.step == .off)
        #expect(effects.contains { if case .live(.powerLost) = $0 { true } else { false } }, "it is kdumping no more")
    }

    @Test("a person's order that fails leaves nobody in a status that nothing leads out of")
    func failedOrders() throws {
        func fail(_ kind: PowerCourse.Kind, _ status: HostStatus, hasAgent: Bool = true) throws -> [PowerCourse.Effect]
        {
            var course = PowerCourse(kind, step: .confirmOff, since: 0, attempts: 0, told: nil)
            let facts = try Self.facts { ($0.status, $0.hasAgent) = (status, hasAgent) }
            return course.handle(.power(.on), facts, at: Self.times.confirm, Self.times)
        }
        #expect(try fail(.restart, .reboot).contains(.live(.powerBack)))
        #expect(try !fail(.restart, .reboot, hasAgent: false).contains(.live(.powerBack)), "other work waits for it")
        for kind in [PowerCourse.Kind.off, .restart] {
            let lost = try fail(kind, .kdumping).contains { if case .live(.powerLost) = $0 { true } else { false } }
            #expect(lost)
        }
        #expect(try !fail(.off, .up).contains { if case .live = $0 { true } else { false } })
    }

    struct Hold: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var key: String?
        var change: @Sendable (inout PowerFacts) -> Void
    }

    @Test(
        "what speaks against the power",
        arguments: [
            Hold(testDescription: "nothing", key: nil) { _ in },
            Hold(testDescription: "the policy", key: "policy") { $0.policy.isEnabled = false },
            Hold(testDescription: "the engine's start", key: "start") { $0.engineStart = 900_000 },
            Hold(testDescription: "more than half are silent", key: "storm") { ($0.silentHosts, $0.hosts) = (3, 4) },
            Hold(testDescription: "half are silent", key: nil) { ($0.silentHosts, $0.hosts) = (2, 4) },
            Hold(testDescription: "the only host", key: nil) { ($0.silentHosts, $0.hosts) = (1, 1) },
            Hold(testDescription: "both of two", key: "storm") { ($0.silentHosts, $0.hosts) = (2, 2) },
            Hold(testDescription: "both of two, if that is wanted", key: nil) {
                ($0.silentHosts, $0.hosts) = (2, 2)
                $0.policy.skipsBrokenConnectivity = false
            },
            Hold(testDescription: "its board's rest", key: "fault") { $0.retry = 1_000_001 },
            Hold(testDescription: "the board has rested", key: nil) { $0.retry = 1_000_000 },
            Hold(testDescription: "switched just now", key: "quiet") { $0.lastSwitched = 900_000 },
        ]
    )
    func holds(hold: Hold) throws {
        let facts = try Self.facts(hold.change)
        #expect(facts.reasonToHold(at: 1_000_000, Self.times)?.key == hold.key)
        var course = PowerCourse(.fence, step: .hold, since: 0, attempts: 0, told: nil)
        let effects = course.handle(.passed, facts, at: 1_000_000, Self.times)
        #expect(course.step == (hold.key == nil ? .off : .hold))
        #expect(effects.count == 1, "told once")
        if hold.key != nil {
            #expect(course.handle(.passed, facts, at: 1_000_000, Self.times).isEmpty, "and not again")
        }
    }

    @Test("without power management a person is told, and it ends") func notConfigured() throws {
        var course = PowerCourse(.fence, at: 0)
        let effects = course.handle(.passed, try Self.facts { $0.isEnabled = false }, at: 1, Self.times)
        guard case .tell(.fenceNotConfigured, .alert, _)? = effects.first, case .end(.failed, _)? = effects.last else {
            Issue.record("\(effects)")
            return
        }
    }

    @Test("F28: a board that says on after off is a fault with a sentence, not a loop") func lies() throws {
        var course = PowerCourse(.restart, step: .confirmOff, since: 0, attempts: 0, told: nil)
        let facts = try Self.facts()
        #expect(course.handle(.power(.on), facts, at: 179_999, Self.times).isEmpty)
        let effects = course.handle(.power(.on), facts, at: 180_000, Self.times)
        guard case .fault(let failure)? = effects.dropFirst().first, case .end(.failed, _)? = effects.last else {
            Issue.record("\(effects)")
            return
        }
        #expect(failure.text.contains("took the order to switch it off, and says after 180 seconds that it is on"))
    }

    @Test("F28: the engine's own work waits for the board's rest and tries again") func rests() throws {
        var course = PowerCourse(.fence, step: .off, since: 0, attempts: 0, told: nil)
        let facts = try Self.facts()
        #expect(course.handle(.failed(Self.failure), facts, at: 1, Self.times).isEmpty)
        #expect(course.handle(.failed(Self.failure), facts, at: 2, Self.times).contains(.fault(Self.failure)))
        #expect(course.step == .hold)
        #expect(course.handle(.passed, try Self.facts { $0.retry = 60_000 }, at: 3, Self.times).isEmpty)
        _ = course.handle(.passed, try Self.facts { $0.retry = 60_000 }, at: 60_000, Self.times)
        #expect(course.step == .off)
    }

    @Test("a crash dump is waited for, and its end is the start") func dump() throws {
        var course = PowerCourse(.fence, step: .hold, since: 0, attempts: 0, told: nil)
        func facts(_ heard: Int64?, _ status: HostStatus = .nonResponsive) throws -> PowerFacts {
            try Self.facts { ($0.detectsKdump, $0.lastDump, $0.status) = (true, heard, status) }
        }
        _ = course.handle(.passed, try facts(nil), at: 1_000_000, Self.times)
        #expect(course.step == .kdump)
        #expect(try course.handle(.passed, facts(1_010_000), at: 1_012_000, Self.times).contains(.live(.dumpBegan)))
        #expect(try course.handle(.passed, facts(1_300_000, .kdumping), at: 1_302_000, Self.times).isEmpty)
        _ = course.handle(.passed, try facts(1_300_000, .kdumping), at: 1_330_000, Self.times)
        #expect(course.step == .comeBack)
    }

    @Test("no dump within its time: the power") func noDump() throws {
        var course = PowerCourse(.fence, step: .kdump, since: 0, attempts: 0, told: nil)
        let facts = try Self.facts { $0.detectsKdump = true }
        #expect(course.handle(.passed, facts, at: 29_999, Self.times).isEmpty)
        _ = course.handle(.passed, facts, at: 30_000, Self.times)
        #expect(course.step == .off)
    }
}
