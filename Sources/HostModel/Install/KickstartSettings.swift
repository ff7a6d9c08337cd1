/// What a boot profile of the mode `kickstart` installs, the same for all of its machines.
package struct KickstartSettings: Hashable, Sendable, Codable {
    /// A further repository, by name.
    package struct Repository: Hashable, Sendable, Codable {
        /// `ImageReference.isComponent`.
        package var name: String
        package var url: WebLocation

        package init(name: String, url: WebLocation) { (self.name, self.url) = (name, url) }
    }

    /// The installation tree, which has `.treeinfo` and `images/pxeboot`: Anaconda starts from it, and the packages of
    /// a plain host come from it.
    package var tree: WebLocation
    package var repositories: [Repository]
    /// Beyond `@core` and what the agent needs. Not for a node image, which is whole.
    package var packages: [PackageSelection]
    package var timeZone: TimeZoneName
    /// `nil` locks root's password.
    package var rootPassword: PasswordDigest?
    /// Who may come in as root.
    package var sshKeys: [SSHPublicKey]

    package static let repositoriesMax = 32
    package static let packagesMax = 1024
    package static let sshKeysMax = 64

    package init(
        tree: WebLocation,
        repositories: [Repository] = [],
        packages: [PackageSelection] = [],
        timeZone: TimeZoneName = .utc,
        rootPassword: PasswordDigest? = nil,
        sshKeys: [SSHPublicKey] = []
    ) {
        (self.tree, self.repositories, self.packages) = (tree, repositories, packages)
        (self.timeZone, self.rootPassword, self.sshKeys) = (timeZone, rootPassword, sshKeys)
    }

    private enum CodingKeys: String, CodingKey {
        case tree
        case repositories
        case packages
        case timeZone
        case rootPassword
        case sshKeys
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            tree: try container.decode(WebLocation.self, forKey: .tree),
            repositories: try container.decodeIfPresent([Repository].self, forKey: .repositories) ?? [],
            packages: try container.decodeIfPresent([PackageSelection].self, forKey: .packages) ?? [],
            timeZone: try container.decodeIfPresent(TimeZoneName.self, forKey: .timeZone) ?? .utc,
            rootPassword: try container.decodeIfPresent(PasswordDigest.self, forKey: .rootPassword),
            sshKeys: try container.decodeIfPresent([SSHPublicKey].self, forKey: .sshKeys) ?? []
        )
        guard repositories.allSatisfy({ ImageReference.isComponent($0.name) }),
            Set(repositories.map(\.name)).count == repositories.count
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .repositories,
                in: container,
                debugDescription: "names are lower-case letters, digits and -._, none twice"
            )
        }
        guard repositories.count <= Self.repositoriesMax, packages.count <= Self.packagesMax,
            sshKeys.count <= Self.sshKeysMax
        else { throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "too many")) }
    }
}

/// What is said for one machine: its disks, which nobody may guess, and its network.
package struct HostKickstart: Hashable, Sendable, Codable {
    package var storage: InstallStorage
    /// `nil`: DHCP on the interface that the machine boots from.
    package var network: InstallNetwork?

    package init(storage: InstallStorage, network: InstallNetwork? = nil) {
        (self.storage, self.network) = (storage, network)
    }
}
