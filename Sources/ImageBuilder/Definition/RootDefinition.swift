package import Archive
package import SystemPackage

/// The root image of a definition with a `base`: a whole operating system as one squashfs.
package struct RootDefinition: Hashable, Sendable {
    /// Where the tree comes from before anything is changed in it.
    package enum Base: Hashable, Sendable {
        case debian(DebianBase)
        case enterpriseLinux(EnterpriseLinuxBase)
        /// A directory or a tar archive.
        case tree(FilePath)
    }

    /// What enters, leaves and stays out of the system's boot.
    package struct Services: Hashable, Sendable {
        package var enable: [String] = []
        package var disable: [String] = []
        package var mask: [String] = []
    }

    /// What is taken out of the tree.
    package struct Trim: Hashable, Sendable {
        /// `*` within a component, `**` over components, `?` one character; a folder goes with all that it holds.
        package var paths: [PathPattern] = []
        /// Below `kernel/` of the kernel's modules.
        package var moduleDirectories: [TreePath] = []
        /// Modules that stay although their folder goes, with everything that they need.
        package var keptModules: [String] = []
        /// Kernel and boot files stay in the tree, for an installer that unpacks it onto a disk (Anaconda's `liveimg`).
        package var keepsBoot = false
        /// Manuals, info pages and documentation; licences (`copyright`) stay.
        package var documentation = false
        /// Languages whose translations stay; `nil` leaves all.
        package var locales: [String]?
    }

    /// How the root image is packed.
    package struct Compression: Hashable, Sendable {
        /// zstd, 1 to 22.
        package var level = 15
        /// 4 to 1024, a power of two.
        package var blockKiB = 256

        /// For a person who waits for every build.
        package static let fast = Compression(level: 3, blockKiB: 256)
    }

    package var base: Base
    package var packages: [String] = []
    /// Copied into the tree in this order, owner root, permissions by the executable bit.
    package var files: [FilePath] = []
    package var directories: [TreePath: UInt16] = [:]
    /// Where the agent stands; `nil` for a tree without one.
    package var agent: TreePath?
    package var groups: [String: Int] = [:]
    package var users: [UserDefinition] = []
    package var services = Services()
    package var trim = Trim()
    package var compression = Compression()
    /// Bytes of the root image, hash tree included; a build that is larger fails.
    package var sizeLimit: Int64?

    package init(base: Base) { self.base = base }
}

/// A Debian system, made by mmdebstrap(1).
package struct DebianBase: Hashable, Sendable {
    /// An archive in the usual layout (`dists/SUITE/InRelease`), signed by a key of the keyring.
    package struct Repository: Hashable, Sendable {
        package var location: Location
        package var suite: String
        package var components: [String]
        package var keyring: FilePath
    }

    package enum Location: Hashable, Sendable {
        case address(String)
        /// Where the building machine's own apt gets Debian from, or Debian's security updates: near, and known to work.
        case ofThisMachine(security: Bool)
    }

    package static let keyring: FilePath = "/usr/share/keyrings/debian-archive-keyring.gpg"

    package var suite: String
    package var repositories: [Repository]
}

/// CentOS Stream, AlmaLinux or Rocky Linux, made by dnf(8) with `--installroot`.
package struct EnterpriseLinuxBase: Hashable, Sendable {
    package enum Distribution: String, CaseIterable, Hashable, Sendable {
        case centosStream = "centos-stream"
        case almalinux
        case rocky
    }

    package struct Repository: Hashable, Sendable {
        package var name: String
        package var url: String
        /// Keys of the packages; `nil` only where the definition says `gpgcheck: false`.
        package var key: FilePath?
    }

    package var distribution: Distribution
    package var release: Int
    package var repositories: [Repository]
}

/// A person or service of the tree.
package struct UserDefinition: Hashable, Sendable {
    package var name: String
    package var uid: Int?
    package var gid: Int?
    package var groups: [String] = []
    package var home: String?
    package var shell: String?
    package var comment: String?
    /// Lines of authorized_keys.
    package var sshKeys: [String] = []
    /// As in shadow(5); `nil` leaves what is there, or locks a new account.
    package var passwordHash: String?
}

/// What else is made of kernel, initramfs and root image.
package enum ImageMedium: String, CaseIterable, Hashable, Sendable {
    /// The files themselves, for a boot server. Always made.
    case pxe
    case iso
    case disk
    /// The loaders for a disk that the image is installed to.
    case install
    /// Kernel, initramfs and command line as one signed EFI program.
    case efi
}
