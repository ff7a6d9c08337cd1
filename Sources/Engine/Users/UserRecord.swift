import GRDB
package import HostModel

/// A person or a program that may sign in: `admin@internal`.
package struct UserRecord: Sendable, Hashable {
    package var id: UniqueID
    package var name: String
    package var description = ""
    package var role = UserRole.superUser
    /// One that is not cannot sign in.
    package var isEnabled = true
    /// What is stored of the password; tells whether it is still the one that was checked.
    var storedPassword = ""

    /// Local users, the only ones.
    static let profile = "internal"
    /// What oVirt calls the directory of those users, where its clients name one.
    package static let directory = "internal-authz"
    static let localNameMax = 64

    /// The full name for `NAME`, `NAME@internal` or oVirt's `NAME@internal-authz`: letters and digits of ASCII, `.`, `_` and `-`. `nil` for another text.
    package static func fullName(_ text: String) -> String? {
        let parts = text.lowercased().split(separator: "@", omittingEmptySubsequences: false)
        guard let local = parts.first,
            parts.count == 1 || (parts.count == 2 && [profile, directory].contains(String(parts[1]))),
            (1...localNameMax).contains(local.utf8.count), SiteText.isName(String(local.prefix(SiteText.nameMax))),
            local.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
        else { return nil }
        return "\(local)@\(profile)"
    }
}

/// A user with the hash to compare with.
struct StoredUser: Sendable {
    var record: UserRecord
    var password: PasswordHash
}

extension UserRecord {
    init(_ row: Row) {
        self.init(id: row["id"], name: row["name"], description: row["description"])
        // A role that this version does not know may do the least.
        storedPassword = row["password"]
        (role, isEnabled) = (UserRole(rawValue: row["role"]) ?? .readOnlyAdmin, row["isEnabled"])
    }

    static func require(_ id: UniqueID, in db: Database) throws -> UserRecord {
        guard let row = try SQLRequest<Row>("SELECT * FROM user WHERE id = \(id)").fetchOne(db) else {
            throw EngineError(
                .notFound,
                "There is no user with the id \(id).",
                remedy: "`muster user list` shows them."
            )
        }
        return UserRecord(row)
    }

    /// Somebody must be left who may do everything.
    static func checkSuperUsers(in db: Database) throws {
        let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM user WHERE role = 'SuperUser' AND isEnabled = 1")
        guard count ?? 0 > 0 else {
            throw EngineError(
                .conflict,
                "Nobody would be left who may do everything.",
                remedy: "Give another user the role SuperUser first."
            )
        }
    }
}
