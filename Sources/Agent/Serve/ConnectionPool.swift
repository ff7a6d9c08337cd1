/// The connections of one kind that are open, oldest first. Pure.
///
/// A new one is always taken: a full pool gives up its oldest instead. Were the new one turned away, whoever came first
/// and says nothing could keep the engine out. The oldest is that of the source that has most: strangers from many addresses
/// push each other out, and not the engine with its one connection. Of that source, those that have said nothing go first: an
/// engine speaks at once.
struct ConnectionPool<Source: Hashable & Sendable>: Sendable {
    private let limit: Int
    private let limitPerSource: Int
    private var places: [(id: Int, source: Source, hasSpoken: Bool)] = []

    init(limit: Int, perSource: Int) { (self.limit, limitPerSource) = (limit, perSource) }

    var count: Int { places.count }

    /// Takes a connection in; the one that has to go for it, of the same source before any other.
    mutating func admit(_ id: Int, from source: Source) -> Int? {
        defer { places.append((id, source, false)) }
        let own = places.indices.filter { places[$0].source == source }
        let candidates = own.count >= limitPerSource ? own : places.count >= limit ? largest : []
        let leaving = candidates.first { !places[$0].hasSpoken } ?? candidates.first
        return leaving.map { places.remove(at: $0).id }
    }

    /// Bytes came from it.
    mutating func spoke(_ id: Int) {
        guard let index = places.firstIndex(where: { $0.id == id }) else { return }
        places[index].hasSpoken = true
    }

    /// The connections of whoever has most.
    private var largest: [Int] {
        let shares = Dictionary(places.map { ($0.source, 1) }, uniquingKeysWith: +)
        let most = shares.values.max()
        return places.indices.filter { shares[places[$0].source] == most }
    }

    /// `false` when it is not in here, or no longer.
    @discardableResult
    mutating func remove(_ id: Int) -> Bool {
        guard let index = places.firstIndex(where: { $0.id == id }) else { return false }
        places.remove(at: index)
        return true
    }
}
