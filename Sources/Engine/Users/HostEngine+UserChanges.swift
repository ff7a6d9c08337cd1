import GRDB
package import HostModel

// Users of this installation: who there is, and what becomes of them. Each change is one transaction and one event; a user who
// loses the right to sign in loses the sessions with it.

extension HostEngine {
    /// The least bytes of a new password.
    package static let passwordMin = 8

    /// By name.
    package func users() async throws(EngineError) -> [UserRecord] {
        try await store.read { try Row.fetchAll($0, sql: "SELECT * FROM user ORDER BY name").map(UserRecord.init) }
    }

    package func user(_ id: UniqueID) async throws(EngineError) -> UserRecord {
        try await store.read { try UserRecord.require(id, in: $0) }
    }

    package func addUser(
        _ order: UserResource.Order,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> UserRecord {
        guard let name = UserRecord.fullName(order.user_name ?? order.name ?? "") else {
            throw EngineError(
                .invalid,
                "A user's name is NAME@\(UserRecord.profile).",
                remedy: "Use 1 to \(UserRecord.localNameMax) letters, digits, dots, underscores and hyphens for NAME."
            )
        }
        guard let password = order.password else {
            throw EngineError(.invalid, "A new user needs a password.", remedy: "Give one.")
        }
        var record = UserRecord(id: .random(), name: name)
        record.role = .readOnlyAdmin
        try record.take(order)
        let hash = try await Self.hash(password)
        record.storedPassword = hash.encoded
        let (made, context) = (record, context(by: user, correlation))
        return try await store.write { [store] db in
            guard try SQLRequest<Row>("SELECT 1 FROM user WHERE name = \(name)").fetchOne(db) == nil else {
                throw EngineError(.conflict, "There is a user \(name) already.", remedy: "Choose another name.")
            }
            try db.execute(
                literal: """
                    INSERT INTO user (id, name, password, role, description, isEnabled)
                    VALUES (\(made.id), \(made.name), \(hash.encoded), \(made.role.rawValue), \(made.description),
                            \(made.isEnabled))
                    """
            )
            try store.tell(.userAdded, "User \(name) was added with the role \(made.role.rawValue).", context, in: db)
            return made
        }
    }

    /// Role, description, and whether the user may sign in. Nobody takes rights from oneself.
    package func updateUser(
        _ id: UniqueID,
        _ order: UserResource.Order,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> UserRecord {
        if order.password != nil { throw Self.passwordElsewhere }
        return try await changeUser(id, by: user, correlation) { record throws(EngineError) in try record.take(order) }
    }

    private func changeUser(
        _ id: UniqueID,
        by user: String,
        _ correlation: String?,
        _ change: @escaping @Sendable (inout UserRecord) throws(EngineError) -> Void
    ) async throws(EngineError) -> UserRecord {
        let context = context(by: user, correlation)
        return try await store.write { [store] db in
            let former = try UserRecord.require(id, in: db)
            var record = former
            try change(&record)
            guard record != former else { return record }
            guard record.name != user || (record.role >= former.role && record.isEnabled) else {
                throw EngineError(
                    .conflict,
                    "Nobody takes rights from oneself.",
                    remedy: "Another SuperUser can do it."
                )
            }
            try db.execute(
                literal: """
                    UPDATE user SET role = \(record.role.rawValue), description = \(record.description),
                        isEnabled = \(record.isEnabled) WHERE id = \(id)
                    """
            )
            try UserRecord.checkSuperUsers(in: db)
            if !record.isEnabled { try db.execute(literal: "DELETE FROM session WHERE user = \(record.name)") }
            let state = record.isEnabled ? "" : ", and cannot sign in"
            try store.tell(
                .userChanged,
                "User \(record.name) was changed: role \(record.role.rawValue)\(state).",
                context,
                in: db
            )
            return record
        }
    }

    // oVirt's users may have many permissions; ours have one role, and each role holds the lesser ones.

    /// A permission for the whole system: the user has this role from now on; who has it already, stays as it is.
    package func grant(
        _ role: UserRole,
        to id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> UserRecord {
        let before = try await self.user(id)
        guard before.role != role else { return before }
        return try await changeUser(id, by: user, correlation) { record throws(EngineError) in
            guard record.role <= role else {
                throw EngineError(
                    .conflict,
                    "User \(record.name) has the role \(record.role.rawValue), which may do all that \(role.rawValue) may.",
                    remedy: "To have less, take the permission of \(record.role.rawValue) away first."
                )
            }
            record.role = role
        }
    }

    /// Takes a permission back: the user is left with looking. 404 where the user's role is another one by now.
    package func revoke(
        _ role: UserRole,
        from id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        _ = try await changeUser(id, by: user, correlation) { record throws(EngineError) in
            guard record.role == role else {
                throw EngineError(.notFound, "User \(record.name) does not have the role \(role.rawValue).")
            }
            guard role != .readOnlyAdmin else {
                throw EngineError(
                    .conflict,
                    "Every user may look at everything.",
                    remedy: "Remove the user, or let nobody sign in by the name: `muster user update NAME --disable`."
                )
            }
            record.role = .readOnlyAdmin
        }
    }

    package func removeUser(_ id: UniqueID, by user: String, correlation: String?) async throws(EngineError) {
        let context = context(by: user, correlation)
        try await store.write { [store] db in
            let record = try UserRecord.require(id, in: db)
            guard record.name != user else {
                throw EngineError(.conflict, "Nobody removes oneself.", remedy: "Another SuperUser can do it.")
            }
            try db.execute(literal: "DELETE FROM user WHERE id = \(id)")
            try UserRecord.checkSuperUsers(in: db)
            try db.execute(literal: "DELETE FROM session WHERE user = \(record.name)")
            try store.tell(.userRemoved, "User \(record.name) was removed.", context, in: db)
        }
    }

    /// One's own with the old one, which counts as an attempt to sign in; another's as a SuperUser. Ends every session of the
    /// user but `keeping`, a token.
    package func setPassword(
        of id: UniqueID,
        _ change: UserResource.PasswordChange,
        by user: String,
        keeping token: String?,
        correlation: String?
    ) async throws(EngineError) {
        let record = try await self.user(id)
        if record.name == user {
            guard let old = change.old_password else {
                throw EngineError(.invalid, "Your own password is changed with the old one.", remedy: "Give it, too.")
            }
            _ = try await authenticate(user: user, password: old)
        } else if try await store.user(named: user)?.record.role != .superUser {
            throw EngineError(.forbidden, "Another's password is for a SuperUser to set.")
        }
        let (hash, context) = (try await Self.hash(change.password), context(by: user, correlation))
        let kept = token.map(Self.digest)
        try await store.write { [store] db in
            try db.execute(literal: "UPDATE user SET password = \(hash.encoded) WHERE id = \(id)")
            try db.execute(
                literal: "DELETE FROM session WHERE user = \(record.name) AND (\(kept) IS NULL OR digest <> \(kept))"
            )
            try store.tell(.passwordChanged, "The password of user \(record.name) was changed.", context, in: db)
        }
    }

    /// For who can read the database's folder and lost the password: `muster-engine password`. The engine must not run.
    package static func resetPassword(
        of name: String,
        to password: String,
        _ settings: EngineSettings
    ) async throws(EngineError) {
        let lock = try InstallationLock(directory: settings.dataDirectory)
        defer { withExtendedLifetime(lock) {} }
        let hash = try await hash(password)
        let store = try Store.open(settings.databasePath, making: false)
        let now = settings.clock.now()
        try await store.write { [store] db in
            guard let full = UserRecord.fullName(name),
                let row = try SQLRequest<Row>("SELECT * FROM user WHERE name = \(full)").fetchOne(db)
            else {
                let names = try String.fetchAll(db, sql: "SELECT name FROM user ORDER BY name").joined(separator: ", ")
                throw EngineError(
                    .notFound,
                    "There is no user \(terminalEscaped(name)).",
                    remedy: "There are: \(names)."
                )
            }
            let record = UserRecord(row)
            try db.execute(literal: "UPDATE user SET password = \(hash.encoded), isEnabled = 1 WHERE id = \(record.id)")
            try db.execute(literal: "DELETE FROM session WHERE user = \(record.name)")
            let text = "The password of user \(record.name) was set on the engine's machine."
            try store.record(Occurrence(.passwordChanged, .warning, text), at: now, in: db)
        }
        try store.close()
    }

    private static func hash(_ password: String) async throws(EngineError) -> PasswordHash {
        guard (passwordMin...passwordLengths.upperBound).contains(password.utf8.count) else {
            throw EngineError(
                .invalid,
                "A password has \(passwordMin) to \(passwordLengths.upperBound) bytes.",
                remedy: "Choose another one."
            )
        }
        return try await PasswordHash.make(password)
    }

    private static let passwordElsewhere = EngineError(
        .invalid,
        "A password is changed on its own.",
        remedy: "POST users/ID/password, or `muster user password`."
    )
}

extension UserRecord {
    fileprivate mutating func take(_ order: UserResource.Order) throws(EngineError) {
        if let description = order.description { self.description = SiteText.description(description) }
        if let enabled = order.muster?.enabled { isEnabled = enabled }
        if let text = order.muster?.role {
            guard let role = UserRole.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) else {
                throw EngineError(
                    .invalid,
                    "There is no role \(terminalEscaped(text.prefix(64))).",
                    remedy: "There are \(UserRole.allCases.map(\.rawValue).joined(separator: ", "))."
                )
            }
            self.role = role
        }
    }
}
