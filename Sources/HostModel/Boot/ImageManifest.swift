/// `manifest.json` of a built image: what its files are, and what they must hash to.
package struct ImageManifest: Hashable, Sendable, Codable {
    package struct File: Hashable, Sendable, Codable {
        /// What a file is for. A role that nobody here knows survives.
        package struct Role: RawRepresentable, Hashable, Sendable, Codable {
            package var rawValue: String
            package init(rawValue: String) { self.rawValue = rawValue }

            package static let kernel = Role(rawValue: "kernel")
            package static let initramfs = Role(rawValue: "initramfs")
            /// A squashfs with its dm-verity hash tree behind it.
            package static let root = Role(rawValue: "root")
            /// What makes a disk boot that the image is installed to (`DiskLoaders`).
            package static let loaders = Role(rawValue: "loaders")
            /// Kernel, initramfs and command line as one EFI program, signed for Secure Boot.
            package static let efi = Role(rawValue: "efi")
            package static let iso = Role(rawValue: "iso")
            package static let disk = Role(rawValue: "disk")
            package static let sbom = Role(rawValue: "sbom")
            /// The packages that went in, with their SHA-256 (`packages.json`).
            package static let packages = Role(rawValue: "packages")
        }

        /// A plain file name (`ImageReference.isComponent`), beside the manifest.
        package var name: String
        package var role: Role
        /// Bytes.
        package var size: Int64
        /// SHA-256, 64 lower-case hex digits.
        package var sha256: Nonce
        /// Of a `root` file; `nil` elsewhere.
        package var verity: RootVerity?

        package init(name: String, role: Role, size: Int64, sha256: Nonce, verity: RootVerity? = nil) {
            (self.name, self.role, self.size, self.sha256, self.verity) = (name, role, size, sha256, verity)
        }
    }

    /// The newest version of this format. 2 brought the role `root` with its `verity`, and roles that a reader may not know.
    package static let newestSchema = 2

    /// The version of this format, 1 to `newestSchema`.
    package var schema = newestSchema
    package var name: String
    /// Derived from the content: the first 12 hex digits of a SHA-256 over the files' digests, so that the same bytes
    /// are the same version.
    package var version: String
    /// `x86_64`.
    package var architecture: String
    /// `6.1.0-56-amd64`.
    package var kernelVersion: String
    /// Words that every boot of the image adds to the kernel command line.
    package var kernelArguments: [String]
    /// Raised by the maker when older images must not start any more, because of a hole that this one closes; `nil` is 0.
    /// A node that ran an image takes none with a lower one afterwards (Android Verified Boot's "rollback index").
    package var rollbackIndex: Int?
    package var files: [File]

    /// The values of `rollbackIndex`.
    package static let rollbackIndexes = 0...Int(Int32.max)

    package init(
        name: String,
        version: String,
        architecture: String,
        kernelVersion: String,
        kernelArguments: [String],
        rollbackIndex: Int? = nil,
        files: [File]
    ) {
        (self.name, self.version, self.architecture) = (name, version, architecture)
        (self.kernelVersion, self.kernelArguments, self.files) = (kernelVersion, kernelArguments, files)
        self.rollbackIndex = rollbackIndex
    }

    /// The first file of a role.
    package func file(_ role: File.Role) -> File? { files.first { $0.role == role } }
}
