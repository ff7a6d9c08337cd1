import HostModel
import Testing

@testable import Engine

/// Users come, change and go, and somebody is always left.
@Suite struct UserChangeTests {
    private static let admin = "admin@internal"

    private static func order(_ name: String, _ role: String? = nil, password: String? = "long enough")
        -> UserResource.Order
    {
        var order = UserResource.Order()
        (order.user_name, order.password) = (name, password)
        if let role { order.muster = UserResource.Muster(role: role) }
        return order
    }

    @Test(
        "names are NAME@internal",
        arguments: [
            ("ops", "ops@internal"), ("Ops.x-1@internal", "ops.x-1@internal"), ("ops@internal-authz", "ops@internal"),
            ("", nil), ("@internal", nil),
            ("a@b", nil),
            ("a@internal@internal", nil), ("a b", nil), ("a\u{1b}[1m", nil), ("-a", nil), ("é", nil),
            (String(repeating: "a", count: 65), nil),
        ] as [(String, String?)]
    )
    func names(text: String, expected: String?) { #expect(UserRecord.fullName(text) == expected) }

    @Test("one SuperUser who may sign in is always left, and nobody takes rights from oneself")
    func somebodyIsLeft() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let admin = try #require(try await engine.users().first)
        #expect(admin.role == .superUser)
        let ops = try await engine.addUser(Self.order("ops", "SuperUser"), by: Self.admin, correlation: nil)
        var demote = UserResource.Order()
        demote.muster = UserResource.Muster(role: "ReadOnlyAdmin")
        var disable = UserResource.Order()
        disable.muster = UserResource.Muster(enabled: false)
        for order in [demote, disable] {
            await #expect(throws: EngineError.self, "oneself") {
                try await engine.updateUser(admin.id, order, by: Self.admin, correlation: nil)
            }
        }
        await #expect(throws: EngineError.self) {
            try await engine.removeUser(admin.id, by: Self.admin, correlation: nil)
        }
        _ = try await engine.updateUser(admin.id, disable, by: ops.name, correlation: nil)
        await #expect(throws: EngineError.self, "who is disabled does not sign in") {
            try await engine.authenticate(user: Self.admin, password: TestInstallation.password)
        }
        for order in [demote, disable] {
            let error = await #expect(throws: EngineError.self) {
                try await engine.updateUser(ops.id, order, by: "somebody@internal", correlation: nil)
            }
            #expect(error?.detail.contains("Nobody would be left") == true)
        }
        await #expect(throws: EngineError.self) {
            try await engine.removeUser(ops.id, by: "somebody@internal", correlation: nil)
        }
        #expect(try await engine.user(ops.id) == ops, "nothing of it was done")
    }

    @Test("what is wrong is said, and each change is an event with its doer and without a password")
    func told() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        for order in [
            Self.order("a b"), Self.order("ops", "King"), Self.order("ops", password: nil),
            Self.order("ops", password: "x"),
        ] {
            let error = await #expect(throws: EngineError.self) {
                try await engine.addUser(order, by: Self.admin, correlation: nil)
            }
            #expect(error?.kind == .invalid)
        }
        let ops = try await engine.addUser(Self.order("ops"), by: Self.admin, correlation: "c1")
        #expect(ops.role == .readOnlyAdmin, "the least, unless it is said")
        let twin = await #expect(throws: EngineError.self) {
            try await engine.addUser(Self.order("OPS@internal"), by: Self.admin, correlation: nil)
        }
        #expect(twin?.kind == .conflict)
        try await engine.removeUser(ops.id, by: Self.admin, correlation: "c2")
        let events = try await engine.events(EventQuery(max: 2))
        #expect(events.map(\.code) == [.userRemoved, .userAdded])
        #expect(events.allSatisfy { $0.user == Self.admin && !$0.text.contains("long enough") })
    }

    @Test("who signs in while the password is changed, or while being removed, gets no session")
    func races() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let ops = try await engine.addUser(Self.order("ops"), by: Self.admin, correlation: nil)
        let before = try await engine.authenticate(user: ops.name, password: "long enough")
        _ = try await engine.beginSession(of: before)
        let change = UserResource.PasswordChange(old_password: nil, password: "another one")
        try await engine.setPassword(of: ops.id, change, by: Self.admin, keeping: nil, correlation: nil)
        await #expect(throws: EngineError.self) { try await engine.beginSession(of: before) }
        let after = try await engine.authenticate(user: ops.name, password: "another one")
        let token = try await engine.beginSession(of: after).token
        #expect(try await engine.signedInUser(token)?.name == ops.name)
        try await engine.removeUser(ops.id, by: Self.admin, correlation: nil)
        _ = try await engine.addUser(Self.order("ops"), by: Self.admin, correlation: nil)
        await #expect(throws: EngineError.self) { try await engine.beginSession(of: after) }
        #expect(try await engine.signedInUser(token) == nil, "a namesake has sessions of his own")
    }

    @Test("a lost password is set on the engine's machine while the engine does not run")
    func lost() async throws {
        let installation = try await TestInstallation()
        let token = try await {
            let engine = try await installation.open()
            await #expect(throws: EngineError.self, "it runs") {
                try await HostEngine.resetPassword(of: Self.admin, to: "a new password", installation.settings)
            }
            return try await engine.beginSession(of: Self.admin).token
        }()
        let strange = await #expect(throws: EngineError.self) {
            try await HostEngine.resetPassword(of: "nobody", to: "a new password", installation.settings)
        }
        #expect(strange?.remedy?.contains(Self.admin) == true)
        try await HostEngine.resetPassword(of: "admin", to: "a new password", installation.settings)
        let again = try await installation.open()
        #expect(try await again.authenticate(user: Self.admin, password: "a new password").role == .superUser)
        #expect(try await again.signedInUser(token) == nil)
    }
}
