package import Archive
package import SystemPackage

/// What an image is made of: one YAML file, and the folder of files that it names.
package struct ImageDefinition: Hashable, Sendable {
    /// A package, and the files that are taken out of it.
    package struct PackageSelection: Hashable, Sendable {
        package var package: PackageRequest
        package var paths: [TreePath]
    }

    /// Modules by folder (below `kernel/`) and by name; what they depend on comes along.
    package struct ModuleSelection: Hashable, Sendable {
        package var directories: [TreePath] = []
        package var names: [String] = []
        /// Modules of the folders that stay out, unless they are named too, or another one needs them.
        package var excluded: [String] = []
    }

    /// Names the image in a catalogue and in URLs: `ImageReference.isComponent`.
    package var name: String
    /// `x86_64` is the only one so far.
    package var architecture: String
    package var kernel: PackageRequest
    /// Words that every boot of the image adds to the kernel command line.
    package var kernelArguments: [String] = []
    package var modules = ModuleSelection()
    package var packages: [PackageSelection] = []
    /// A multi-call binary whose applets get links (busybox).
    package var applets: TreePath?
    /// Where the agent stands in the tree; `nil` for an image without one.
    package var agent: TreePath?
    /// Copied into the root of the tree one after the other, permissions as on disk (only the executable bit counts).
    package var files: [FilePath] = []
    /// Empty directories, with their permission bits.
    package var directories: [TreePath: UInt16] = [:]
    /// zstd level of the initramfs, 1 to 19.
    package var compressionLevel = 19
    /// Kernel and initramfs together, in bytes; a build that is larger fails.
    package var sizeLimit: Int64 = 32 << 20
    /// Whether media carry Debian's shim and signed GRUB, or a GRUB of our own.
    package var secureBoot = true
    /// Seconds since 1970, for every time stamp in the image; `nil` takes the kernel package's date.
    package var epoch: Int64?
    /// `ImageManifest.rollbackIndex`.
    package var rollbackIndex = 0
    /// What is made beside the files for a boot server.
    package var outputs: Set<ImageMedium> = [.pxe]
    /// What the output `efi` says on its signed command line; needed for that output only.
    package var unifiedKernel: UnifiedKernelSettings?
    /// The system that the initramfs starts; `nil` for an image that is all initramfs. With one, `kernel` is not used: the
    /// kernel and its modules come out of the root tree.
    package var root: RootDefinition?
}

/// A package of the registry by name, or a `.deb` that lies beside the definition.
package enum PackageRequest: Hashable, Sendable {
    case registry(String)
    case file(FilePath)

    /// Debian policy 5.6.7: at least two of `[a-z0-9+.-]`, the first no sign. Nothing that starts with a hyphen can
    /// reach a command line.
    package static func isPackageName(_ text: some StringProtocol) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (48...57).contains(byte) }
        let bytes = Array(text.utf8)
        guard (2...128).contains(bytes.count), let first = bytes.first, isAlphanumeric(first) else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == 43 || $0 == 45 || $0 == 46 }
    }
}

extension PackageRequest: CustomStringConvertible {
    package var description: String {
        switch self {
        case .registry(let name): name
        case .file(let path): path.string
        }
    }
}

/// A definition that cannot be used, and where in it.
package struct ImageDefinitionError: Error, Hashable, Sendable {
    package var file: String
    /// From 1; 0 where the whole file is meant.
    package var line: Int
    package var column: Int
    package var message: String
}

extension ImageDefinitionError: CustomStringConvertible {
    package var description: String { line == 0 ? "\(file): \(message)" : "\(file):\(line):\(column): \(message)" }
}
