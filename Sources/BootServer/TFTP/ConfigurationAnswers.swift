import HostModel
import Recipes
import Synchronization

/// Configurations that were made a moment ago. Debian's signed GRUB asks for its file twice, once to see that it is there:
/// both times it gets the same text, and the step is told once.
final class ConfigurationAnswers: Sendable {
    /// Whose configuration, and from where it was asked for: what a stranger asks for takes nothing from the machine.
    struct Key: Hashable {
        var loader: ConfiguredLoader
        var mac: MACAddress
        var address: IPv4Address
    }

    private enum Told: Hashable {
        case no
        /// The step, without its outcome: the last acknowledgement never came.
        case step
        case all
    }

    private struct Entry {
        var text: [UInt8]
        var event: BootEvent
        var made: ContinuousClock.Instant
        var told = Told.no
    }

    /// How long an answer is kept. GRUB asks twice within a second, on a bad line within some.
    static let keptFor: Duration = .seconds(30)
    /// Answers that are kept at once; more are made anew each time.
    static let entriesMax = 4096

    private let entries = Mutex<[Key: Entry]>([:])
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) { self.now = now }

    /// What was made for this question within `keptFor`.
    func kept(for key: Key) -> (text: [UInt8], event: BootEvent)? {
        entries.withLock { entries in
            guard let entry = entries[key], now() - entry.made < Self.keptFor else { return nil }
            return (entry.text, entry.event)
        }
    }

    /// Keeps a text with the step that is told once it has arrived.
    func keep(_ text: [UInt8], _ event: BootEvent, for key: Key) {
        let now = now()
        entries.withLock { entries in
            if entries.count >= Self.entriesMax, entries[key] == nil {
                entries = entries.filter { now - $0.value.made < Self.keptFor }
                guard entries.count < Self.entriesMax else { return }
            }
            entries[key] = Entry(text: text, event: event, made: now)
        }
    }

    /// The step that is due now that a text has arrived; `nil` when it was told. The outcome of a profile is part of it only
    /// where the client acknowledged everything: a request alone may bear anybody's address.
    func arrived(_ event: BootEvent, for key: Key, isAcknowledged: Bool) -> BootEvent? {
        entries.withLock { entries in
            let told = entries[key].flatMap { $0.event == event ? $0.told : nil } ?? .no
            let isComplete = isAcknowledged || event.outcome == nil
            guard told == .no || told == .step && isComplete else { return nil }
            if entries[key]?.event == event { entries[key]?.told = isComplete ? .all : .step }
            var event = event
            if !isAcknowledged { event.outcome = nil }
            return event
        }
    }
}
