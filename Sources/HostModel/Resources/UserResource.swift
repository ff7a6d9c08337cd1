// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// What a user may do, in oVirt's words, the least first: see everything; work with hosts; everything.
package enum UserRole: String, CaseIterable, Hashable, Sendable, Codable, Comparable {
    case readOnlyAdmin = "ReadOnlyAdmin"
    case hostAdmin = "HostAdmin"
    case superUser = "SuperUser"

    package static func < (left: UserRole, right: UserRole) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// oVirt's ids of its predefined roles.
    package var id: String {
        switch self {
        case .superUser: "00000000-0000-0000-0000-000000000001"
        case .hostAdmin: "def00002-0000-0000-0000-def000000002"
        case .readOnlyAdmin: "00000000-0000-0000-0001-000000000005"
        }
    }

    /// What it is good for, to people.
    package var summary: String {
        switch self {
        case .superUser: "Everything."
        case .hostAdmin: "Hosts and their jobs: add, approve, install, networks, power, maintenance, remove."
        case .readOnlyAdmin: "Look at everything, change nothing."
        }
    }
}

/// A person or a program that may sign in.
package struct UserResource: SiteResource {
    package struct Order: Hashable, Sendable, Codable {
        /// `NAME@internal`, or `NAME`; only in new ones.
        package var user_name: String?
        /// Instead of `user_name`.
        package var name: String?
        package var password: String?
        package var description: String?
        package var muster: Muster?
        package init() {}
    }
    package struct Muster: Hashable, Sendable, Codable {
        /// `SuperUser`, `HostAdmin` or `ReadOnlyAdmin`.
        package var role: String?
        /// One that is not cannot sign in, and has no sessions.
        package var enabled: Bool?
        package init(role: String? = nil, enabled: Bool? = nil) { (self.role, self.enabled) = (role, enabled) }
    }
    package struct Domain: Hashable, Sendable, Codable {
        package var name: String
        package init(name: String) { self.name = name }
    }
    /// The body of `POST users/ID/password`.
    package struct PasswordChange: Hashable, Sendable, Codable {
        /// Who changes the own one shows that it is known.
        package var old_password: String?
        package var password: String
        package init(old_password: String?, password: String) {
            (self.old_password, self.password) = (old_password, password)
        }
    }

    package static let element = "user"
    package static let collection = "users"
    package var id: String
    package var href: String
    package var name: String
    package var user_name: String
    package var principal: String
    package var domain: Domain
    package var description: String?
    package var muster: Muster

    package init(id: String, href: String, name: String, role: UserRole, isEnabled: Bool) {
        (self.id, self.href, self.name, user_name) = (id, href, name, name)
        principal = String(name.prefix { $0 != "@" })
        domain = Domain(name: String(name.drop { $0 != "@" }.dropFirst()))
        muster = Muster(role: role.rawValue, enabled: isEnabled)
    }
}

/// `roles`: oVirt's element.
package struct RoleResource: Hashable, Sendable, Codable {
    package var id: String
    package var href: String
    package var name: String
    package var description: String
    /// Ours are of people who administer.
    package var administrative = true
    package var mutable = false

    package init(_ role: UserRole, href: String) {
        (id, self.href, name, description) = (role.id, href, role.rawValue, role.summary)
    }
}

/// `roles` as a whole.
package struct RoleCollection: Hashable, Sendable, Codable {
    package var role: [RoleResource]
    package init(_ role: [RoleResource]) { self.role = role }
}

/// That a user has a role.
package struct PermissionResource: Hashable, Sendable, Codable {
    package var id: String
    package var href: String
    package var role: ResourceLink
    package var user: ResourceLink

    package init(id: String, href: String, role: ResourceLink, user: ResourceLink) {
        (self.id, self.href, self.role, self.user) = (id, href, role, user)
    }
}

/// `users/ID/permissions` as a whole.
package struct PermissionCollection: Hashable, Sendable, Codable {
    package var permission: [PermissionResource]
    package init(_ permission: [PermissionResource]) { self.permission = permission }
}
