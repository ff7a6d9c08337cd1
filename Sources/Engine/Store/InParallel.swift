/// How many tasks share the work of a long list, and from where on a list is long.
private enum Share {
    static let tasks = 4
    /// Below so many a second task costs more than it takes over.
    static let min = 500
}

extension RandomAccessCollection where Self: Sendable, SubSequence: Sendable, Index == Int {
    /// What `transform` makes of stretches of the collection, in order; a long one's stretches are worked on at the same time, as
    /// most of the time of a long list goes into putting its members into words.
    package func inParallel<Made: Sendable, Failure: Error>(
        _ transform: @escaping @Sendable (SubSequence) throws(Failure) -> Made
    ) async throws(Failure) -> [Made] {
        guard count >= Share.min else { return [try transform(self[...])] }
        let length = (count + Share.tasks - 1) / Share.tasks
        let made = await withTaskGroup(of: (Int, Result<Made, Failure>).self) { group in
            for start in stride(from: startIndex, to: endIndex, by: length) {
                group.addTask { [self] in
                    do throws(Failure) {
                        return (start, .success(try transform(self[start..<Swift.min(start + length, endIndex)])))
                    } catch {
                        return (start, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return try made.sorted { $0.0 < $1.0 }.map { part throws(Failure) in try part.1.get() }
    }
}
