import Synchronization
import Testing

@testable import Engine

/// How many handshakes begin at a time.
@Suite struct HandshakeGateTests {
    @Test(
        "F7: five hundred hosts are dialled at once: no more handshakes than places at a time, and each gets its turn"
    )
    func limit() async {
        let gate = HandshakeGate(places: 4)
        let inside = Mutex((now: 0, most: 0, all: 0))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<500 {
                group.addTask {
                    await gate.enter()
                    inside.withLock { inside in
                        inside.now += 1
                        inside.all += 1
                        inside.most = max(inside.most, inside.now)
                    }
                    for _ in 0..<5 { await Task.yield() }
                    inside.withLock { $0.now -= 1 }
                    await gate.leave()
                }
            }
        }
        let seen = inside.withLock { ($0.most, $0.all, $0.now) }
        #expect(seen.0 <= 4 && seen.0 > 1 && seen.1 == 500 && seen.2 == 0, "\(seen)")
    }
}
