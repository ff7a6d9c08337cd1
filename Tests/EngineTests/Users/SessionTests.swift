import Foundation
import GRDB
import Testing

@testable import Engine

/// Who signed in stays so over a restart, for as long as sessions last and no longer.
@Suite struct SessionTests {
    private let clock = TestClock()

    private func installation(count: Int = 100) async throws -> TestInstallation {
        let clock = clock
        return try await TestInstallation { settings in
            (settings.clock, settings.sessions.count) = (clock.wall, count)
        }
    }

    @Test func aTokenIsItsUsersUntilRevoked() async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        let one = try await engine.beginSession(of: "a@internal")
        let other = try await engine.beginSession(of: "b@internal")
        #expect(one.token.utf8.count == 43)
        #expect(one.token != other.token)
        #expect(one.end == clock.wall.now() + 24 * 3_600_000)
        #expect(try await engine.sessionUser(one.token) == "a@internal")
        try await engine.endSession(one.token)
        #expect(try await engine.sessionUser(one.token) == nil)
        #expect(try await engine.sessionUser(other.token) == "b@internal")
    }

    @Test func aTokenOutlivesTheEngineAndIsInNoCopyOfItsDatabase() async throws {
        let installation = try await installation()
        let token = try await installation.running { try await $0.beginSession(of: "a").token }
        let engine = try await installation.open()
        #expect(try await engine.sessionUser(token) == "a")
        for name in try FileManager.default.contentsOfDirectory(atPath: installation.directory) {
            guard name.hasPrefix("engine.db") else { continue }
            let bytes = try #require(FileManager.default.contents(atPath: "\(installation.directory)/\(name)"))
            #expect(bytes.range(of: Data(token.utf8)) == nil, "\(name)")
        }
    }

    @Test func anIdleTokenEndsAfterHalfAnHourAndAUsedOneAfterADay() async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        let token = try await engine.beginSession(of: "a").token
        clock.advance(seconds: 29 * 60)
        #expect(try await engine.sessionUser(token) == "a")
        clock.advance(seconds: 31 * 60)
        #expect(try await engine.sessionUser(token) == nil)
        let busy = try await engine.beginSession(of: "a").token
        for _ in 0..<71 {
            clock.advance(seconds: 20 * 60)
            #expect(try await engine.sessionUser(busy) == "a")
        }
        clock.advance(seconds: 20 * 60)
        #expect(try await engine.sessionUser(busy) == nil)
    }

    @Test func theLongestUnusedTokenGivesWay() async throws {
        let installation = try await installation(count: 3)
        let engine = try await installation.open()
        var tokens: [String] = []
        for user in ["first", "second", "third"] {
            tokens.append(try await engine.beginSession(of: user).token)
            clock.advance(seconds: 61)
        }
        #expect(try await engine.sessionUser(tokens[0]) == "first")
        clock.advance(seconds: 61)
        _ = try await engine.beginSession(of: "fourth")
        #expect(try await engine.sessionUser(tokens[1]) == nil)
        #expect(try await engine.sessionUser(tokens[0]) == "first")
    }

    @Test(arguments: ["", "x", String(repeating: "A", count: 43), String(repeating: "é", count: 100_000)])
    func anUnknownTokenIsNobodys(_ token: String) async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        _ = try await engine.beginSession(of: "a")
        #expect(try await engine.sessionUser(token) == nil)
    }
}
