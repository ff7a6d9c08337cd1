import HTTPTypes
import Synchronization

/// How many machines enrol in the same moment. Every claim is a transaction with a flush to the disk, and there is one writer:
/// when a rack starts at once, those who find no place are told to come later, and people's own changes stand behind a few
/// claims and not behind a thousand.
final class EnrolmentDoor: Sendable {
    private let free: Mutex<Int>

    /// Claims and openings under way at one time: a few flushes' worth.
    static let places = 32
    /// Whom there is no place for comes again after so many seconds; spread, so that they do not come back as one.
    static let waitSeconds = 5...20

    init(places: Int = EnrolmentDoor.places) { free = Mutex(places) }

    /// Throws 503 with Retry-After when there is no place.
    func pass<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        guard take() else {
            let seconds = Int.random(in: Self.waitSeconds)
            throw Fault(
                .serviceUnavailable,
                "Too many machines enrol in this moment.",
                remedy: "Try again in \(seconds) seconds.",
                headers: [.retryAfter: "\(seconds)"]
            )
        }
        defer { free.withLock { $0 += 1 } }
        return try await body()
    }

    private func take() -> Bool {
        free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
    }
}
