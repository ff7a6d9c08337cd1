import Synchronization
import Testing

@testable import EngineAPI

/// A clock that a test moves.
private final class HandClock: Sendable {
    private let instant = Mutex(ContinuousClock.now)
    var now: ContinuousClock.Instant { instant.withLock { $0 } }
    func advance(_ duration: Duration) { instant.withLock { $0 += duration } }
}

@Suite struct SourceRateTests {
    private let clock = HandClock()

    @Test func aSourceHasItsBurstAndThenItsRate() {
        let rate = SourceRate(.init(burst: 3, perSecond: 0.5)) { [clock] in clock.now }
        for _ in 0..<3 { #expect(rate.take("192.0.2.1") == nil) }
        #expect(rate.take("192.0.2.1") == 2)
        #expect(rate.wait("192.0.2.1") == 2)
        #expect(rate.take("192.0.2.2") == nil, "another source is not held back")
        clock.advance(.seconds(2))
        #expect(rate.wait("192.0.2.1") == nil, "asking takes nothing")
        #expect(rate.take("192.0.2.1") == nil)
        #expect(rate.take("192.0.2.1") == 2)
    }

    @Test func anIPv6NetworkIsOneSource() {
        let rate = SourceRate(.init(burst: 1, perSecond: 1)) { [clock] in clock.now }
        #expect(rate.take("2001:db8:1:2:a:b:c:d") == nil)
        #expect(rate.take("2001:db8:1:2:ffff::1") != nil)
        #expect(rate.take("2001:db8:1:3:a:b:c:d") == nil)
    }

    @Test func aFloodOfSourcesSharesOneBucketAndForgetsNobodyElse() {
        let rate = SourceRate(.init(burst: 2, perSecond: 0.001, sources: 10)) { [clock] in clock.now }
        for number in 0..<10 { #expect(rate.take("10.0.0.\(number)") == nil) }
        #expect(rate.take("10.0.1.1") == nil)
        #expect(rate.take("10.0.1.2") == nil)
        #expect(rate.take("10.0.1.3") != nil, "the bucket of those without a place is empty")
        #expect(rate.take("10.0.0.3") == nil, "who has a place keeps it")
        clock.advance(.seconds(10_000))
        #expect(rate.take("10.0.1.3") == nil, "full buckets make room")
    }
}

@Suite struct ConnectionQuotaTests {
    @Test func countsEachSourceByItself() {
        let quota = ConnectionQuota(.init(perSource: 2))
        #expect(quota.enter("a"))
        #expect(quota.enter("a"))
        #expect(!quota.enter("a"))
        #expect(quota.enter("b"))
        quota.leave("a")
        #expect(quota.enter("a"))
        quota.leave("nobody")
    }

    @Test func theLastOnesAreForThoseWhoHoldFew() {
        let quota = ConnectionQuota(.init(perSource: 4, free: 8, reservedPerSource: 1))
        for source in ["a", "b"] { for _ in 0..<4 { #expect(quota.enter(source)) } }
        for _ in 0..<10 { #expect(!quota.enter("a")) }
        #expect(quota.enter("person"), "whoever holds none gets one")
        #expect(!quota.enter("person"))
        for _ in 0..<2 { quota.leave("a") }
        #expect(quota.enter("person"), "there is room again")
    }
}
