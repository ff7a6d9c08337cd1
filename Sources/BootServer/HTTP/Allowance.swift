import NIOCore
import Synchronization

/// How often something may happen for each key: a burst, then once in every interval.
///
/// Knows at most `keysMax` keys; while that many are short of their burst, others are refused.
final class Allowance<Key: Hashable & Sendable>: Sendable {
    private struct Account {
        var left: Int
        var since: NIODeadline
    }

    private let accounts = Mutex<[Key: Account]>([:])
    private let burst: Int
    private let interval: TimeAmount
    private let keysMax: Int

    init(burst: Int, interval: TimeAmount, keysMax: Int) {
        (self.burst, self.interval, self.keysMax) = (burst, interval, keysMax)
    }

    /// True when it may happen once more; it is counted then.
    func take(_ key: Key, now: NIODeadline = .now()) -> Bool {
        accounts.withLock { accounts in
            if accounts[key] == nil, accounts.count >= keysMax {
                // A key whose whole burst has grown back needs no entry.
                accounts = accounts.filter { filled($0.value, at: now).left < burst }
                guard accounts.count < keysMax else { return false }
            }
            var account = accounts[key].map { filled($0, at: now) } ?? Account(left: burst, since: now)
            let mayPass = account.left > 0
            if mayPass { account.left -= 1 }
            accounts[key] = account
            return mayPass
        }
    }

    /// With what has grown back since; a part of an interval is kept.
    private func filled(_ account: Account, at now: NIODeadline) -> Account {
        let back = max(0, (now - account.since).nanoseconds / interval.nanoseconds)
        guard back > 0 else { return account }
        let left = Int(min(Int64(account.left) + back, Int64(burst)))
        let since = left == burst ? now : account.since + .nanoseconds(back * interval.nanoseconds)
        return Account(left: left, since: since)
    }
}
