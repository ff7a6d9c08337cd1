import GRDB
import HostModel

extension Store {
    func isInitialized() async throws(EngineError) -> Bool {
        try await read { try Row.fetchOne($0, sql: "SELECT 1 FROM user LIMIT 1") != nil }
    }

    /// What a new installation has, in one transaction.
    func initialize(administrator: String, password: PasswordHash, at now: Int64) async throws(EngineError) {
        try await write { db in
            let dataCenter = UniqueID.random()
            try db.execute(
                literal: """
                    INSERT INTO dataCenter (id, name, description)
                    VALUES (\(dataCenter), 'Default', 'The default data center')
                    """
            )
            try db.execute(
                literal: """
                    INSERT INTO cluster (id, name, description, dataCenter)
                    VALUES (\(UniqueID.random()), 'Default', 'The default cluster', \(dataCenter))
                    """
            )
            try db.execute(
                literal: """
                    INSERT INTO network (id, name, description, dataCenter, mtu, usages, isRequired)
                    VALUES (\(UniqueID.random()), \(HostEngine.managementNetwork), 'Management network', \(dataCenter), 0,
                            'default_route display management migration vm', 1)
                    """
            )
            try db.execute(
                literal: """
                    INSERT INTO user (id, name, password)
                    VALUES (\(UniqueID.random()), \(administrator), \(password.encoded))
                    """
            )
            for profile in BootProfile.initial { try save(profile, by: BootProfile.maker, at: now, in: db) }
        }
    }
}

extension BootProfile {
    /// Who saved the profiles that nobody did.
    static let maker = "muster"

    /// What a machine boots of which nothing is known.
    static let defaultName = "default"

    /// The profiles of a new installation. `default` may be changed but not removed.
    static let initial = [
        BootProfile(name: defaultName, mode: .run, image: ImageReference("node-minimal")),
        BootProfile(name: "local", mode: .local),
        BootProfile(name: "deny", mode: .deny),
    ]
}
