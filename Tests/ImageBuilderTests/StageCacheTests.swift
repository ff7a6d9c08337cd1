import Glibc
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct StageCacheTests {
    private struct Broken: Error {}

    @Test func aResultIsMadeOnce() async throws {
        let scratch = try Scratch("stage")
        let cache = StageCache(directory: scratch.path)
        var made = 0
        for _ in 0..<2 {
            let result = try await cache.result(.node, key: StageKey("a")) { path in
                made += 1
                try writeFile("content".utf8, to: path)
            }
            #expect(try readText(result.path, limit: 100) == "content")
        }
        #expect(made == 1)
    }

    @Test func aFailedStageLeavesNothing() async throws {
        let scratch = try Scratch("stage-failed")
        let cache = StageCache(directory: scratch.path)
        await #expect(throws: Broken.self) {
            _ = try await cache.result(.node, key: StageKey("a")) { path in
                try writeFile("half".utf8, to: path)
                throw Broken()
            }
        }
        #expect(try names(in: scratch.path) == [])
    }

    @Test func whatAnotherBuildMakesStays() throws {
        let scratch = try Scratch("stage-busy")
        try makeDirectory(scratch.file(".unfinished-kernel-0123"))
        try makeDirectory(scratch.file(".unfinished-kernel-0123.unpacked"))
        let lock = try #require(try FileLock.attempt(scratch.file(".lock-kernel-0123")))
        try StageCache(directory: scratch.path).removeUnfinished()
        #expect(exists(scratch.file(".unfinished-kernel-0123")))
        #expect(exists(scratch.file(".unfinished-kernel-0123.unpacked")), "what is unpacked beside it, too")
        withExtendedLifetime(lock) {}
    }

    @Test func whatIsInUseIsNotPruned() async throws {
        let scratch = try Scratch("stage-used")
        let cache = StageCache(directory: scratch.path)
        let held = try await cache.result(.node, key: StageKey("held")) { try writeFile([1], to: $0) }
        var times = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
        #expect(utimes(held.path.string, &times) == 0)
        for number in 0..<(StageCache.mostResults + 2) {
            _ = try await cache.result(.node, key: StageKey("\(number)")) { try writeFile([1], to: $0) }
        }
        #expect(exists(held.path))
    }

    @Test func whatAKilledBuildLeftIsRemoved() throws {
        let scratch = try Scratch("stage-killed")
        try makeDirectory(scratch.file(".unfinished-kernel-0123"))
        _ = try scratch.write([1], to: ".unfinished-kernel-0123/half")
        _ = try scratch.write([1], to: "node-4567")
        try StageCache(directory: scratch.path).removeUnfinished()
        #expect(try names(in: scratch.path) == ["node-4567"])
    }

    @Test func onlyTheNewestResultsOfAStageStay() async throws {
        let scratch = try Scratch("stage-prune")
        let cache = StageCache(directory: scratch.path)
        _ = try scratch.write([1], to: "system-other")
        for number in 0..<(StageCache.mostResults + 3) {
            let result = try await cache.result(.node, key: StageKey("\(number)")) { try writeFile([1], to: $0) }
            var times = [timeval(tv_sec: 1000 + number, tv_usec: 0), timeval(tv_sec: 1000 + number, tv_usec: 0)]
            #expect(utimes(result.path.string, &times) == 0)
        }
        let left = try names(in: scratch.path).filter { !$0.hasPrefix(".") }
        #expect(left.count == StageCache.mostResults + 1)
        #expect(left.contains("system-other"))
    }

    @Test func inputsDoNotRunIntoEachOther() {
        var one = StageKey("s")
        one.add("ab")
        one.add("c")
        var other = StageKey("s")
        other.add("a")
        other.add("bc")
        #expect(one.digest != other.digest)
        #expect(StageKey("s").digest != StageKey("t").digest)
    }

    @Test("two builds that each use what the other one wants do not wait for each other", .timeLimit(.minutes(1)))
    func crossedBuilds() async throws {
        let scratch = try Scratch("crossed")
        let cache = StageCache(directory: scratch.path)
        func result(_ stage: BuildProgress.Stage) async throws -> StageResult {
            try await cache.result(stage, key: StageKey("a")) { path in
                try writeFile("x".utf8, to: path)
            }
        }
        // One build has the kernel, the other one the agent; then each wants the rest.
        let (kernel, agent) = (try await result(.kernel), try await result(.agent))
        let others = (try await result(.agent), try await result(.kernel))
        #expect(!kernel.cached && !agent.cached && others.0.cached && others.1.cached)
        withExtendedLifetime((kernel, agent, others)) {}
    }
}
