import HostModel
import Synchronization
import Testing

/// How many are in at a time.
@Suite struct TurnstileTests {
    private final class Room: Sendable {
        private let counts = Mutex((now: 0, most: 0, all: 0))

        var seen: (now: Int, most: Int, all: Int) { counts.withLock { ($0.now, $0.most, $0.all) } }

        func enter() {
            counts.withLock { counts in
                counts.now += 1
                counts.all += 1
                counts.most = max(counts.most, counts.now)
            }
        }

        func leave() { counts.withLock { $0.now -= 1 } }
    }

    @Test("F7: five hundred hosts are dialled at once: no more handshakes than places at a time, each gets its turn")
    func limit() async {
        let (gate, room) = (Turnstile(places: 4), Room())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<500 {
                group.addTask {
                    await gate.enter()
                    room.enter()
                    for _ in 0..<5 { await Task.yield() }
                    room.leave()
                    await gate.leave()
                }
            }
        }
        let seen = room.seen
        #expect(seen.most <= 4 && seen.most > 1 && seen.all == 500 && seen.now == 0, "\(seen)")
    }
}
