import Synchronization
import Testing

@testable import Engine

/// Whoever looks on is told why nothing happens: once for each time that the host is away.
@Suite struct InstallPatienceTests {
    @Test("not at once, then once; and anew when the host was heard in between")
    func tells() async {
        let told = Mutex(0)
        let patience = InstallPatience(from: 0, 30) { _ in told.withLock { $0 += 1 } }
        var seen: [Int] = []
        for (time, isHeard) in [
            (10, false), (29, false), (30, false), (90, false), (95, true), (100, false), (125, false), (300, false),
        ] {
            if isHeard { patience.heard(at: Int64(time)) } else { await patience.met(.closed("gone"), at: Int64(time)) }
            seen.append(told.withLock(\.self))
        }
        #expect(seen == [0, 0, 1, 1, 1, 1, 2, 2])
    }
}
