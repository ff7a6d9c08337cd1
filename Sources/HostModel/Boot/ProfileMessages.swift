// What people see of profiles beside the profiles themselves: docs/protocols.md, section 3.

/// One state of a profile, as it was saved.
package struct BootProfileVersion: Hashable, Sendable, Codable {
    /// From 1; the highest is the one that machines boot.
    package var version: Int
    /// RFC 3339.
    package var saved: String
    package var user: String
    package var boot_profile: BootProfile

    package init(version: Int, saved: String, user: String, profile: BootProfile) {
        (self.version, self.saved, self.user, boot_profile) = (version, saved, user, profile)
    }
}

/// `{"version": […]}`, the newest first.
package struct BootProfileVersionCollection: Hashable, Sendable, Codable {
    package var version: [BootProfileVersion]?

    package init(_ versions: [BootProfileVersion]) { version = versions }
}

/// Which version a profile is to be again; without one, that before the present one.
package struct BootProfileRollback: Hashable, Sendable, Codable {
    package var version: Int?

    package init(version: Int? = nil) { self.version = version }
}

/// What the hosts of a tag or of a cluster boot that have no profile of their own.
package struct BootAssignment: Hashable, Sendable, Codable {
    /// By what hosts are named together. A tag counts before a cluster.
    package enum Scope: String, CaseIterable, Hashable, Sendable, Codable {
        case tag
        case cluster
    }

    package var scope: Scope
    /// Of the tag or the cluster.
    package var name: String
    package var profile: String

    package init(scope: Scope, name: String, profile: String) {
        (self.scope, self.name, self.profile) = (scope, name, profile)
    }
}

/// `{"boot_assignment": […]}`, tags first, by name.
package struct BootAssignmentCollection: Hashable, Sendable, Codable {
    package var boot_assignment: [BootAssignment]?

    package init(_ assignments: [BootAssignment]) { boot_assignment = assignments }
}

/// Which profile.
package struct BootAssignmentOrder: Hashable, Sendable, Codable {
    package var profile: String

    package init(profile: String) { self.profile = profile }
}

extension BootProfileVersionCollection: WireDocument { package static var element: String { "versions" } }
extension BootProfileRollback: WireDocument { package static var element: String { "action" } }
extension BootAssignmentCollection: WireDocument { package static var element: String { "boot_assignments" } }
extension BootAssignment: WireDocument { package static var element: String { "boot_assignment" } }
extension BootAssignmentOrder: WireDocument { package static var element: String { "boot_assignment" } }
