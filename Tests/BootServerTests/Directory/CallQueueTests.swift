import Testing

@testable import BootServer

/// Turns of calls to the engine.
@Suite struct CallQueueTests {
    /// Until so many wait.
    private static func waits(_ count: Int, in queue: CallQueue) async {
        while queue.waiting < count { await Task.yield() }
    }

    @Test(
        "those that wait have their turn in the order in which they came; the last goes first when the first waits too long",
        arguments: [(Duration.seconds(600), [0, 1, 2, 3, 4]), (.nanoseconds(-1), [4, 3, 2, 1, 0])]
    )
    func keepsTheOrder(patience: Duration, order: [Int]) async {
        let queue = CallQueue(places: 1, waitingMax: 10, patience: patience)
        #expect(await queue.enter(within: .seconds(60)))
        var turns: [Task<Bool, Never>] = []
        for number in 1...5 {
            turns.append(Task { await queue.enter(within: .seconds(60)) })
            await Self.waits(number, in: queue)
        }
        for (number, index) in order.enumerated() {
            #expect(queue.waiting == 5 - number)
            queue.leave()
            #expect(await turns[index].value)
        }
        queue.leave()
        #expect(await queue.enter(within: .zero), "the place is free again")
    }

    @Test(
        "one more than may wait pushes the first out; who waits too long, or is cancelled, gives its turn to the next"
    )
    func refuses() async {
        let queue = CallQueue(places: 1, waitingMax: 2, patience: .seconds(600))
        #expect(await queue.enter(within: .zero))
        let first = Task { await queue.enter(within: .seconds(60)) }
        await Self.waits(1, in: queue)
        let cancelled = Task { await queue.enter(within: .seconds(60)) }
        await Self.waits(2, in: queue)
        let patient = Task { await queue.enter(within: .seconds(60)) }
        #expect(await !first.value, "there was no room for three")
        await Self.waits(2, in: queue)
        cancelled.cancel()
        #expect(await !cancelled.value)
        #expect(await !queue.enter(within: .milliseconds(1)), "its turn does not come")
        queue.leave()
        #expect(await patient.value)
    }

    @Test("while somebody always waits, those who had their turn leave nothing behind")
    func staysSmall() async {
        let queue = CallQueue(places: 1, waitingMax: 10, patience: .seconds(600))
        #expect(await queue.enter(within: .zero))
        for _ in 0..<5000 {
            let turn = Task { await queue.enter(within: .seconds(60)) }
            await Self.waits(1, in: queue)
            let next = Task { await queue.enter(within: .seconds(60)) }
            await Self.waits(2, in: queue)
            queue.leave()
            #expect(await turn.value)
            next.cancel()
            #expect(await !next.value)
        }
        #expect(queue.rowLength < 3000)
    }

    @Test("no turn is lost, whoever gives up when")
    func losesNoTurn() async {
        let queue = CallQueue(places: 3, waitingMax: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<2000 {
                group.addTask {
                    let turn = Task {
                        guard await queue.enter(within: number % 5 == 0 ? .microseconds(number) : .seconds(60)) else {
                            return
                        }
                        await Task.yield()
                        queue.leave()
                    }
                    if number % 3 == 0 { turn.cancel() }
                    await turn.value
                }
            }
        }
        #expect(queue.waiting == 0)
        for _ in 0..<3 { #expect(await queue.enter(within: .zero)) }
        #expect(await !queue.enter(within: .zero))
    }
}
