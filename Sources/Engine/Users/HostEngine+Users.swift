import GRDB
import HostModel

extension HostEngine {
    /// Who signs in with this name and password. Unknown names take as long as wrong passwords, and say the same.
    package func authenticate(user name: String, password: String) async throws(EngineError) -> UserRecord {
        guard Self.isUserName(name), Self.passwordLengths.contains(password.utf8.count) else {
            throw Self.signInRefusal
        }
        try? await Task.sleep(for: signInGate.wait(for: name))
        guard signInGate.enter() else {
            throw EngineError(.tooMany, "Too many people sign in at once.", remedy: "Try again in a moment.")
        }
        var succeeded = false
        defer { signInGate.leave(name, succeeded: succeeded) }
        let known = try await store.user(named: name)
        let hash = known?.password ?? Self.nobody
        guard try await hash.matches(password), let known else {
            let text = "Somebody failed to sign in as \(terminalEscaped(name))."
            if signInEventRate.allows("sign-in", at: settings.clock.now()) {
                try await store.record([Occurrence(.signInFailed, .warning, text)], at: settings.clock.now())
            }
            throw Self.signInRefusal
        }
        succeeded = true
        return known.record
    }

    static let userNameMax = 255

    /// No control characters: SQLite would take a name with NUL for the part before it.
    private static func isUserName(_ name: String) -> Bool {
        name.utf8.count <= userNameMax && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    static let signInRefusal = EngineError(
        .forbidden,
        "The user name or the password is wrong.",
        remedy: "Check both; the first user is admin@internal."
    )

    /// A hash that no password has, so that an unknown name costs the same work.
    private static let nobody = PasswordHash.unmatchable
}

extension Store {
    /// One that may sign in.
    func user(named name: String) async throws(EngineError) -> StoredUser? {
        try await read { db in
            guard
                let row = try SQLRequest<Row>("SELECT * FROM user WHERE name = \(name) AND isEnabled = 1").fetchOne(db),
                let password = PasswordHash(encoded: row["password"])
            else { return nil }
            return StoredUser(record: UserRecord(row), password: password)
        }
    }
}
