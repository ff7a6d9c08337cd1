/// Does the same for many, a few at once and in their order, and begins no more after so many failures.
struct FewAtOnce: Sendable {
    var parallel: Int
    /// `nil`: all are begun, whatever fails.
    var stopAfter: Int?

    /// What became of each, in the order of `items`. `skipped` makes the ending of one that was not begun.
    func run<Item: Sendable, Ending: Sendable>(
        _ items: [Item],
        isFailure: (Ending) -> Bool,
        skipped: (Item) -> Ending,
        _ work: @escaping @Sendable (Item) async -> Ending
    ) async -> [Ending] {
        await withTaskGroup(of: (Int, Ending).self) { group in
            var endings: [Int: Ending] = [:]
            var failures = 0
            func take(_ done: (Int, Ending)) {
                endings[done.0] = done.1
                failures += isFailure(done.1) ? 1 : 0
            }
            for (index, item) in items.enumerated() {
                if index >= parallel, let done = await group.next() { take(done) }
                guard stopAfter.map({ failures < $0 }) ?? true else {
                    endings[index] = skipped(item)
                    continue
                }
                group.addTask { (index, await work(item)) }
            }
            for await done in group { take(done) }
            return items.indices.compactMap { endings[$0] }
        }
    }
}
