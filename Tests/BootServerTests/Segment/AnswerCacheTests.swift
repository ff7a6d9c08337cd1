import HostModel
import Logging
import Testing

@testable import BootServer

/// The engine's last answers, for the time in which it does not answer.
@Suite struct AnswerCacheTests {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let day: Int64 = 24 * 3_600_000

    private func cache(_ directory: TemporaryDirectory, ageMax: Int64 = 7 * day) throws -> AnswerCache {
        try AnswerCache(directory: "\(directory.path)/cache", ageMax: ageMax, logger: Self.quiet)
    }

    private static func request(_ last: UInt8, id: String? = nil) throws -> BootRequest {
        let mac = try #require(MACAddress(octets: [0x52, 0x54, 0, 0, 0, last]))
        return BootRequest(mac: mac, hardwareID: id.flatMap { HardwareID($0) }, firmware: .bios)
    }

    static func answer(
        _ mode: BootProfile.Mode = .run,
        host: String? = "node-1",
        isOnce: Bool? = nil,
        awaitsToken: Bool? = nil
    ) -> BootAnswer {
        var answer = BootAnswer(
            profile: BootProfile(name: "p", mode: mode),
            reason: "a test",
            host: host.flatMap { HostName($0) }
        )
        (answer.isOnce, answer.awaitsToken) = (isOnce, awaitsToken)
        return answer
    }

    @Test(
        "only what does no harm when it is given twice is kept",
        arguments: [
            (answer(), true), (answer(.local), true), (answer(.deny), true), (answer(.rescue), true),
            (answer(.install), false), (answer(.kickstart), false), (answer(isOnce: true), false),
            (answer(awaitsToken: true), false), (answer(host: nil), false),
        ]
    )
    func kept(_ answer: BootAnswer, _ isKept: Bool) async throws {
        let directory = try TemporaryDirectory()
        let (cache, request) = (try cache(directory), try Self.request(1))
        await cache.keep(answer, to: request, at: 1000)
        #expect((cache.answer(to: request, at: 2000)?.answer == answer) == isKept)
        #expect(
            (try self.cache(directory).answer(to: request, at: 2000)?.answer == answer) == isKept,
            "after a restart"
        )
    }

    @Test func whatMayNotBeKeptTakesTheFormerOneAlong() async throws {
        let directory = try TemporaryDirectory()
        let (cache, request) = (try cache(directory), try Self.request(1))
        await cache.keep(Self.answer(), to: request, at: 1)
        await cache.keep(Self.answer(isOnce: true), to: request, at: 2)
        #expect(cache.answer(to: request, at: 3) == nil)
        #expect(try self.cache(directory).count == 0, "nor on the disk")
    }

    @Test func anAnswerIsNeverOlderThanItsLimit() async throws {
        let directory = try TemporaryDirectory()
        let (cache, request) = (try cache(directory, ageMax: Self.day), try Self.request(1))
        await cache.keep(Self.answer(), to: request, at: Self.day)
        #expect(cache.answer(to: request, at: 2 * Self.day) != nil)
        #expect(cache.answer(to: request, at: 2 * Self.day + 1) == nil)
        #expect(cache.answer(to: request, at: -1) == nil, "nor younger than a clock that was set back says")
        // What did not change is not written again at once, so that after a restart it is rather too old than too young.
        await cache.keep(Self.answer(), to: request, at: Self.day + 1000)
        #expect(try self.cache(directory, ageMax: Self.day).answer(to: request, at: 2 * Self.day + 500) == nil)
    }

    @Test("a denial replaces what was kept, whatever ids are named before, with it and afterwards")
    func denial() async throws {
        let (directory, id) = (try TemporaryDirectory(), "4c4c4544-0001")
        for (before, denied) in [(nil, id), (id, nil), (id, "4c4c4544-0002")] as [(String?, String?)] {
            let cache = try cache(directory)
            await cache.keep(Self.answer(), to: try Self.request(1, id: before), at: 1)
            await cache.keep(Self.answer(.deny), to: try Self.request(1, id: denied), at: 2)
            for kept in [cache, try self.cache(directory)] {
                for asked in [nil, id, "made-up"] {
                    let answer = kept.answer(to: try Self.request(1, id: asked), at: 3)?.answer
                    #expect(answer?.profile.mode == .deny, "\(asked ?? "none")")
                }
            }
            await cache.empty()
        }
    }

    @Test("what may not be kept is forgotten whatever id it was asked with", arguments: [true, false])
    func forgetting(isOnce: Bool) async throws {
        let id = "4c4c4544-0001"
        let next = isOnce ? Self.answer(isOnce: true) : Self.answer(.install)
        for (before, asked) in [(nil, id), (id, nil), (id, "4c4c4544-0002")] as [(String?, String?)] {
            let directory = try TemporaryDirectory()
            let cache = try cache(directory)
            await cache.keep(Self.answer(), to: try Self.request(1, id: before), at: 1)
            await cache.keep(next, to: try Self.request(1, id: asked), at: 2)
            #expect(cache.count == 0, "\(before ?? "none"), \(asked ?? "none")")
        }
    }

    @Test func anAnswerToAHardwareIDIsNoOthers() async throws {
        let directory = try TemporaryDirectory()
        let cache = try cache(directory)
        let id = "4c4c4544-0001"
        await cache.keep(Self.answer(), to: try Self.request(1, id: id), at: 1)
        #expect(cache.answer(to: try Self.request(1, id: id), at: 2) != nil)
        #expect(cache.answer(to: try Self.request(1), at: 2) != nil, "none named")
        #expect(cache.answer(to: try Self.request(1, id: "other"), at: 2) == nil)
        #expect(cache.answer(to: try Self.request(2, id: id), at: 2) == nil, "another card")
        // The engine knows nobody by another id: that says nothing of this one. It knows nobody by this one: that does.
        await cache.keep(Self.answer(host: nil), to: try Self.request(1, id: "other"), at: 3)
        #expect(cache.answer(to: try Self.request(1, id: id), at: 4) != nil)
        await cache.keep(Self.answer(host: nil), to: try Self.request(1, id: id), at: 5)
        #expect(cache.count == 0, "the host was removed")
    }

    @Test("random ids with one MAC address, or random addresses with one id, push nobody out")
    func flood() async throws {
        let directory = try TemporaryDirectory()
        let (cache, id) = (try cache(directory), "4c4c4544-0001")
        await cache.keep(Self.answer(host: "other"), to: try Self.request(2), at: 1)
        await cache.keep(Self.answer(), to: try Self.request(1, id: id), at: 2)
        for time in 3..<200 {
            await cache.keep(Self.answer(), to: try Self.request(1, id: "random-\(time)"), at: Int64(time))
        }
        #expect(cache.count == 2)
        #expect(cache.answer(to: try Self.request(1, id: id), at: 200) != nil, "it was found by its MAC address")
        for last in UInt8(3)..<203 { await cache.keep(Self.answer(), to: try Self.request(last, id: id), at: 200) }
        #expect(cache.count == AnswerCache.addressesPerHostMax + 1)
        let again = try self.cache(directory)
        #expect(again.count == AnswerCache.addressesPerHostMax + 1, "nor on the disk")
        #expect(again.answer(to: try Self.request(2), at: 201)?.answer.host?.rawValue == "other")
    }

    @Test("a flipped byte anywhere in a file costs that answer, and no other")
    func damage() async throws {
        let directory = try TemporaryDirectory()
        let whole = try cache(directory)
        for last in [UInt8(1), 2] { await whole.keep(Self.answer(), to: try Self.request(last), at: 1) }
        let name = "cache/answers/" + AnswerCache.fileName(AnswerCache.key(try Self.request(1)))
        let bytes = try directory.read(name)
        for index in bytes.indices {
            var flipped = bytes
            flipped[index] ^= 0x20
            try directory.write(name, flipped)
            let cache = try cache(directory)
            #expect(cache.answer(to: try Self.request(1), at: 2) == nil, "\(index)")
            #expect(cache.answer(to: try Self.request(2), at: 2) != nil)
        }
        for count in bytes.indices {
            try directory.write(name, Array(bytes[..<count]))
            #expect(try cache(directory).count == 1, "cut after \(count)")
        }
    }

    @Test func aFileUnderAnothersNameIsNotBelieved() async throws {
        let directory = try TemporaryDirectory()
        await (try cache(directory)).keep(Self.answer(), to: try Self.request(1), at: 1)
        let bytes = try directory.read("cache/answers/" + AnswerCache.fileName(AnswerCache.key(try Self.request(1))))
        try directory.write("cache/answers/" + AnswerCache.fileName(AnswerCache.key(try Self.request(2))), bytes)
        #expect(try cache(directory).answer(to: try Self.request(2), at: 2) == nil)
    }

    @Test func addressesAreKept() async throws {
        let directory = try TemporaryDirectory()
        let cache = try cache(directory)
        #expect(cache.reservations == nil)
        let kept = [AddressReservation(mac: try Self.request(1).mac, address: .loopback)]
        await cache.keep(kept)
        #expect(try self.cache(directory).reservations == kept)
        var flipped = try directory.read("cache/reservations")
        flipped[flipped.count - 1] ^= 1
        try directory.write("cache/reservations", flipped)
        #expect(try self.cache(directory).reservations == nil)
    }

    @Test func nothingIsLeftOfARemovedBootServer() async throws {
        let directory = try TemporaryDirectory()
        let (cache, request) = (try cache(directory), try Self.request(1))
        await cache.keep(Self.answer(), to: request, at: 1)
        await cache.keep([AddressReservation(mac: request.mac, address: .loopback)])
        await cache.empty()
        let later = try self.cache(directory)
        #expect(cache.answer(to: request, at: 2) == nil && later.count == 0 && later.reservations == nil)
    }
}
