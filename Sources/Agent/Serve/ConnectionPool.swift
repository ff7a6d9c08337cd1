/// The connections of one kind that are open, oldest first. Pure.
///
/// A new one is always taken: a full pool gives up its oldest instead. Were the new one turned away, whoever came first
/// and says nothing could keep the engine out. The oldest is that of the source that has most: strangers from many addresses
/// push each other out, and not the engine with its one connection.
struct ConnectionPool<Source: Hashable & Sendable>: Sendable {
    private let limit: Int
    private let limitPerSource: Int
    private var places: [(id: Int, source: Source)] = []

    init(limit: Int, perSource: Int) { (self.limit, limitPerSource) = (limit, perSource) }

    var count: Int { places.count }

    /// Takes a connection in; the one that has to go for it, of the same source before any other.
    mutating func admit(_ id: Int, from source: Source) -> Int? {
        defer { places.append((id, source)) }
        let own = places.indices.filter { places[$0].source == source }
        let oldest = own.count >= limitPerSource ? own.first : places.count >= limit ? oldestOfTheLargest : nil
        return oldest.map { places.remove(at: $0).id }
    }

    private var oldestOfTheLargest: Int? {
        let shares = Dictionary(places.map { ($0.source, 1) }, uniquingKeysWith: +)
        let most = shares.values.max()
        return places.firstIndex { shares[$0.source] == most }
    }

    /// `false` when it is not in here, or no longer.
    @discardableResult
    mutating func remove(_ id: Int) -> Bool {
        guard let index = places.firstIndex(where: { $0.id == id }) else { return false }
        places.remove(at: index)
        return true
    }
}
