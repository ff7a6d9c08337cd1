/// What a machine boots: an image or none, kernel arguments, and a mode.
package struct BootProfile: Hashable, Sendable, Codable {
    package enum Mode: String, CaseIterable, Hashable, Sendable, Codable {
        /// Run the node image from memory.
        case run
        /// Install the node image on the machine's own disk.
        case install
        case kickstart
        /// Hand over to the machine's own disk.
        case local
        case rescue
        /// Give the machine nothing; the firmware goes on by itself.
        case deny
    }

    package enum Loader: String, CaseIterable, Hashable, Sendable, Codable {
        /// iPXE, which verifies nothing before the root image.
        case ipxe
        /// Debian's shim and signed GRUB for x64 UEFI, which verify the kernel: for `run`, `install`, `rescue`, `local`, `deny`.
        case grub
        /// lpxelinux for BIOS, for the same modes.
        case pxelinux
        /// The image's own EFI program, which firmware verifies whole: for the mode `run` and no other, and without kernel
        /// arguments, because its command line is signed too.
        case signed
    }

    /// 1 to 63 bytes: a lower-case letter, then letters, digits and hyphens.
    package var name: String
    package var mode: Mode
    /// `NAME` (the active version) or `NAME@VERSION`; `nil` for `local` and `deny`. With `kickstart` the node image that
    /// is unpacked; `nil` installs packages.
    package var image: ImageReference?
    /// Words of the kernel command line, each without white space.
    package var kernelArguments: [String]
    /// What is installed; for the mode `kickstart` and no other.
    package var kickstart: KickstartSettings?
    /// On which disk the image is installed; for the mode `install` and no other.
    package var install: DiskInstallSettings?
    /// What the machine's firmware loads; `nil` is iPXE.
    package var loader: Loader?

    package init(
        name: String,
        mode: Mode,
        image: ImageReference? = nil,
        kernelArguments: [String] = [],
        kickstart: KickstartSettings? = nil,
        install: DiskInstallSettings? = nil,
        loader: Loader? = nil
    ) {
        (self.name, self.mode, self.image, self.kernelArguments) = (name, mode, image, kernelArguments)
        (self.kickstart, self.install, self.loader) = (kickstart, install, loader)
    }
}

/// Which disk a machine is installed on that boots a profile of the mode `install`.
package struct DiskInstallSettings: Hashable, Sendable, Codable {
    /// Names exactly one disk of the machine (`DiskSelector`).
    package var disk: DiskWord
    /// The serial number of the disk that may be wiped; a disk that holds anything else is refused.
    package var wipe: DiskWord?

    package init(disk: DiskWord, wipe: DiskWord? = nil) { (self.disk, self.wipe) = (disk, wipe) }

    /// The words for the kernel command line.
    package var kernelArguments: [String] {
        ["\(DiskSelector.kernelArgumentName)=\(disk)"]
            + (wipe.map { ["\(DiskSelector.wipeArgumentName)=\($0)"] } ?? [])
    }
}

/// `NAME` or `NAME@VERSION`. Both are safe as a path component and in a URL: `[a-z0-9][a-z0-9._-]{0,62}`.
package struct ImageReference: Hashable, Sendable {
    package var name: String
    /// `nil` means the active version.
    package var version: String?

    package init?(_ text: some StringProtocol) {
        let parts: [String] = String(text).split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init
        )
        self.init(name: parts[0], version: parts.count == 2 ? parts[1] : nil)
    }

    package init?(name: String, version: String?) {
        guard Self.isComponent(name), version.map(Self.isComponent) ?? true else { return nil }
        (self.name, self.version) = (name, version)
    }

    /// True for what may name an image, a version or one of its files.
    package static func isComponent(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count), let first = bytes.first, isLetterOrDigit(first) else { return false }
        return bytes.allSatisfy { isLetterOrDigit($0) || $0 == 45 || $0 == 46 || $0 == 95 }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (48...57).contains(byte) }
}

extension ImageReference: CustomStringConvertible, Codable {
    package var description: String { version.map { "\(name)@\($0)" } ?? name }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let reference = ImageReference(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected NAME or NAME@VERSION")
        }
        self = reference
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
