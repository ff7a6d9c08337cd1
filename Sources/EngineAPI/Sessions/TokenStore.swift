import Crypto
import Foundation
import Synchronization

/// The tokens of those who signed in. A token is 32 random bytes; only its SHA-256 is kept, in memory, so that neither
/// a dump of the database nor a restart gives one away.
final class TokenStore: Sendable {
    struct Limits: Sendable {
        /// A token that nobody used for so long is void.
        var idle = Duration.seconds(30 * 60)
        /// No token lives longer.
        var life = Duration.seconds(24 * 3600)
        /// The most tokens kept; one more makes the longest unused one void.
        var count = 4096
    }

    private struct Session {
        var user: String
        var issued: ContinuousClock.Instant
        var used: ContinuousClock.Instant
    }

    private let sessions = Mutex<[SHA256Digest: Session]>([:])
    private let limits: Limits
    private let now: @Sendable () -> ContinuousClock.Instant

    init(limits: Limits = Limits(), now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        (self.limits, self.now) = (limits, now)
    }

    var limit: Limits { limits }

    /// A new token: 43 characters of base64url.
    func issue(to user: String) -> String {
        let token = Self.base64url(SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) })
        let instant = now()
        sessions.withLock { sessions in
            sessions = sessions.filter { isValid($0.value, at: instant) }
            if sessions.count >= limits.count, let oldest = sessions.min(by: { $0.value.used < $1.value.used }) {
                sessions[oldest.key] = nil
            }
            sessions[Self.digest(token)] = Session(user: user, issued: instant, used: instant)
        }
        return token
    }

    /// Whose token this is, and that it is in use; `nil` for an unknown, expired or revoked one.
    func user(of token: some StringProtocol) -> String? {
        let (digest, instant) = (Self.digest(token), now())
        return sessions.withLock { sessions in
            guard let session = sessions[digest] else { return nil }
            guard isValid(session, at: instant) else {
                sessions[digest] = nil
                return nil
            }
            sessions[digest]?.used = instant
            return session.user
        }
    }

    /// Makes a token void; an unknown one already is.
    func revoke(_ token: some StringProtocol) {
        let digest = Self.digest(token)
        sessions.withLock { $0[digest] = nil }
    }

    private func isValid(_ session: Session, at instant: ContinuousClock.Instant) -> Bool {
        session.used.duration(to: instant) < limits.idle && session.issued.duration(to: instant) < limits.life
    }

    private static func digest(_ token: some StringProtocol) -> SHA256Digest { SHA256.hash(data: Data(token.utf8)) }

    private static func base64url(_ bytes: Data) -> String {
        bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
