import GRDB
import HostModel
import Logging
import Synchronization

/// When each host was last heard, kept in memory and written in batches: ten thousand hosts are heard thousands of times a
/// second, and a transaction for each would be all that the disk does. What a kill -9 loses is said again within seconds.
final class ContactBook: Sendable {
    private let heard = Mutex<[UniqueID: Int64]>([:])

    /// Between two batches, in seconds.
    static let interval = 5
    /// Hosts written in one transaction: others wait for it.
    static let batchMax = 1000

    /// `now` in milliseconds since 1970.
    func note(_ id: UniqueID, at now: Int64) { heard.withLock { $0[id] = now } }

    /// What was noted since the last call.
    func take() -> [UniqueID: Int64] {
        heard.withLock { heard in
            defer { heard = [:] }
            return heard
        }
    }
}

extension Store {
    /// Writes when hosts were last heard; one that was removed meanwhile is passed over.
    func saveContacts(_ contacts: [UniqueID: Int64]) async throws(EngineError) {
        var rest = Array(contacts)
        while !rest.isEmpty {
            let batch = Array(rest.prefix(ContactBook.batchMax))
            rest.removeFirst(batch.count)
            try await write { db in
                let statement = try db.cachedStatement(
                    sql: "UPDATE host SET lastSeen = max(coalesce(lastSeen, 0), ?) WHERE id = ?"
                )
                for (id, time) in batch { try statement.execute(arguments: [time, id]) }
            }
        }
    }
}

extension HostEngine {
    /// Writes what was heard, until the task is cancelled, and once more then.
    func keepContacts() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(ContactBook.interval))
            do { try await store.saveContacts(contacts.take()) } catch {
                logger.warning("When hosts were heard could not be kept: \(error)")
            }
        }
    }
}
