package import HostModel

/// A logical network of a data center.
package struct NetworkRecord: Sendable, Hashable {
    package var id: UniqueID
    package var name: String
    package var description: String
    package var dataCenter: UniqueID
    /// 0 means the default, 1500.
    package var mtu: Int
    package var vlan: Int?
    /// oVirt's usages: `management`, `vm`, `default_route`, `display`, `migration`.
    package var usages: [String]
    /// True when every host of the cluster must carry it.
    package var isRequired: Bool
    /// Attached to every nic of a host that has the same label.
    package var label: String?

    package var isVM: Bool { usages.contains("vm") }
    package var isManagement: Bool { usages.contains("management") }
}

/// One version of an image.
package struct ImageRecord: Sendable, Hashable {
    package enum State: String, Sendable, Codable {
        case uploading
        case published
    }

    package var name: String
    package var version: String
    package var state: State
    package var isActive: Bool
    /// Milliseconds since 1970.
    package var created: Int64
    package var manifest: ImageManifest
}
