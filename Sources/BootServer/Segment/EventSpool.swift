import FoundationEssentials
import HostModel
import Logging
import NIOPosix
import Synchronization

/// Steps of machines' boots on their way to an engine that may be away: on the disk, each with its number and its own time,
/// handed over in order. A step that is handed over once more, because an answer was lost, has the same number.
///
/// A file holds the steps of one moment and is called by the number of the first and how many there are. The file that was
/// handed over last stays until the next one was, so that the numbers go on after any restart.
final class EventSpool: Sendable {
    /// Steps kept; the oldest give way.
    static let eventsMax = 50_000
    /// Steps of one call.
    static let batchMax = 64
    /// The longest file, in bytes.
    private static let fileBytesMax = 1 << 20

    /// A step, and when it happened, in milliseconds since 1970.
    struct Kept: Hashable, Sendable, Codable {
        var event: BootEvent
        var time: Int64
    }

    private struct File: Hashable {
        var first: Int64
        var count: Int
        var name: String { Self.padded(first) + "-\(count)" }
        var last: Int64 { first + Int64(count) - 1 }

        init(first: Int64, count: Int) { (self.first, self.count) = (first, count) }

        init?(_ name: String) {
            let parts = name.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let first = Int64(parts[0]), let count = Int(parts[1]), first > 0,
                (1...EventSpool.batchMax).contains(count), first < .max - Int64(EventSpool.batchMax)
            else { return nil }
            self.init(first: first, count: count)
            guard self.name == name else { return nil }
        }

        /// As wide as the largest, so that names stand in the order of numbers.
        private static func padded(_ number: Int64) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 19 - digits.count)) + digits
        }
    }

    private struct State {
        var files: [File] = []
        var next: Int64 = 1
        /// The last number that the engine has for certain.
        var handedOver: Int64 = 0
        /// Dropped since it was last said.
        var dropped = 0
    }

    private let series = UniqueID.random()
    private let directory: CacheDirectory
    private let state: Mutex<State>
    private let disk = Mutex(())
    private let eventsMax: Int
    private let logger: Logger

    /// Reads the names of what is there; may block on the disk.
    init(directory: String, eventsMax: Int = eventsMax, logger: Logger) throws(CacheDirectory.Failure) {
        self.directory = CacheDirectory(directory)
        (self.eventsMax, self.logger) = (eventsMax, logger)
        try self.directory.make()
        var found = State()
        for name in self.directory.names() {
            if let file = File(name) { found.files.append(file) } else { self.directory.remove(name) }
        }
        found.files.sort { $0.first < $1.first }
        found.next = (found.files.last?.last ?? 0) + 1
        state = Mutex(found)
    }

    /// Steps that the engine may not have.
    var waiting: Int {
        state.withLock { state in
            state.files.reduce(0) { $0 + ($1.last > state.handedOver ? $1.count : 0) }
        }
    }

    /// Keeps steps of this moment; afterwards they are on the disk.
    func keep(_ events: [BootEvent], at now: Int64) async {
        try? await NIOThreadPool.singleton.runIfActive {
            self.disk.withLock { _ in
                var rest = events[...]
                while !rest.isEmpty {
                    self.write(Array(rest.prefix(Self.batchMax)), at: now)
                    rest = rest.dropFirst(Self.batchMax)
                }
            }
        }
    }

    private func write(_ events: [BootEvent], at now: Int64) {
        let file = state.withLock { state in
            defer { state.next += Int64(events.count) }
            return File(first: state.next, count: events.count)
        }
        let kept = events.enumerated().map { offset, event in
            var event = event
            (event.number, event.series) = (file.first + Int64(offset), series)
            return Kept(event: event, time: now)
        }
        do throws(CacheDirectory.Failure) {
            try directory.write(value: kept, as: file.name)
            state.withLock { $0.files.append(file) }
        } catch {
            say(dropped: events.count, because: "\(error)")
        }
        let (old, count) = state.withLock { Self.surplus(&$0, eventsMax) }
        for file in old { directory.remove(file.name) }
        if count > 0 { say(dropped: count, because: "more than \(eventsMax) wait for the engine") }
    }

    /// The oldest that are too many. The newest file stays, for its number.
    private static func surplus(_ state: inout State, _ eventsMax: Int) -> ([File], lost: Int) {
        var waiting = state.files.reduce(0) { $0 + $1.count }
        var (old, lost): ([File], Int) = ([], 0)
        while waiting > eventsMax, state.files.count > 1 {
            let file = state.files.removeFirst()
            waiting -= file.count
            if file.last > state.handedOver { lost += file.count }
            old.append(file)
        }
        return (old, lost)
    }

    private func say(dropped count: Int, because reason: String) {
        let all = state.withLock { state in
            state.dropped += count
            return state.dropped
        }
        // Told at the first, and then at every thousandth: a full disk must not be filled with lines about it.
        guard all == count || all / 1000 != (all - count) / 1000 else { return }
        logger.warning("\(all) steps of machines were dropped since the start: \(reason)")
    }

    /// The oldest steps that the engine may not have, each with its age; empty when there are none. May block on the disk.
    private func batch(at now: Int64) -> [BootEvent] {
        var events: [BootEvent] = []
        let files = state.withLock { state in state.files.filter { $0.last > state.handedOver } }
        for file in files {
            guard events.count + file.count <= Self.batchMax else { break }
            guard let kept = directory.value([Kept].self, in: file.name, bytesMax: Self.fileBytesMax),
                kept.map(\.event.number) == (file.first...file.last).map(Optional.some)
            else {
                state.withLock { $0.files.removeAll { $0 == file } }
                directory.remove(file.name)
                say(dropped: file.count, because: "a file of them was damaged: check the disk")
                continue
            }
            events += kept.map { kept in
                var event = kept.event
                event.age = max(0, now - kept.time)
                return event
            }
        }
        return events
    }

    func next(at now: Int64) async -> [BootEvent] {
        (try? await NIOThreadPool.singleton.runIfActive { self.disk.withLock { _ in self.batch(at: now) } }) ?? []
    }

    /// The engine has everything up to this number.
    func handOver(upTo number: Int64) async {
        try? await NIOThreadPool.singleton.runIfActive {
            self.disk.withLock { _ in
                let done = self.state.withLock { state in
                    state.handedOver = max(state.handedOver, number)
                    let done = state.files.filter { $0.last <= number }.dropLast(
                        state.files.last.map { $0.last <= number ? 1 : 0 } ?? 0
                    )
                    state.files.removeAll { done.contains($0) }
                    return Array(done)
                }
                for file in done { self.directory.remove(file.name) }
            }
        }
    }
}
