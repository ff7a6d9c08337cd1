import Crypto
import FoundationEssentials
package import HostModel
import Recipes
package import SystemPackage

/// One boot medium of an image: a hybrid ISO, or a raw image for a stick or a disk. Both start by BIOS and by UEFI.
///
/// The same values give the same bytes, whatever the time, the time zone, the umask and the place. Identifiers (GUIDs,
/// serial numbers) are derived from the image's name and version.
package struct BootMedium: Sendable {
    /// A text beside kernel and root image in /muster: the manifest, its signature.
    package struct Document: Hashable, Sendable {
        /// A plain file name.
        package var name: String
        package var content: [UInt8]

        package init(name: String, content: [UInt8]) { (self.name, self.content) = (name, content) }
    }

    /// The image's name and version; version and content go together.
    package var name: String
    package var version: String
    /// For the person in front of the menu: `6.1.0-56-amd64`.
    package var kernelVersion: String
    package var kernel: FilePath
    package var initramfs: FilePath
    /// The root image with its hash tree; `nil` where the initramfs is all.
    package var root: FilePath?
    /// What an installation from this medium makes a disk boot by; `nil` for a medium that installs nothing.
    package var loaders: FilePath?
    package var documents: [Document] = []
    /// Words of the kernel command line, without `muster.image`.
    package var kernelArguments: [String]
    /// The text of `BootMenu.fileName`.
    package var menuTemplate: String
    /// Debian's shim and signed GRUB in the place of a GRUB of our own. They boot without Secure Boot too.
    package var secureBoot = true
    /// Adds an active partition to the MBR, for BIOSes that start no stick without one (`PartitionTable`).
    package var forceActive = false
    /// The EFI system partition of the ISO is made at least this large, in bytes.
    package var smallestESP: Int64 = 0
    /// The date of every file, in seconds since 1970.
    package var epoch: Int64
    /// Loaders and texts are put together in a folder of its own below this one, and removed.
    package var workDirectory: FilePath

    package init(
        name: String,
        version: String,
        kernelVersion: String,
        kernel: FilePath,
        initramfs: FilePath,
        kernelArguments: [String],
        menuTemplate: String,
        epoch: Int64,
        workDirectory: FilePath
    ) {
        (self.name, self.version, self.kernelVersion) = (name, version, kernelVersion)
        (self.kernel, self.initramfs, self.kernelArguments) = (kernel, initramfs, kernelArguments)
        (self.menuTemplate, self.epoch, self.workDirectory) = (menuTemplate, epoch, workDirectory)
    }

    /// By which the node finds the medium.
    package var volumeID: VolumeID { VolumeID(image: name, version: version) }

    /// Throws unless every program and loader is on this machine: before the work, not after.
    package func requireTools(disk: Bool) throws(BuildError) {
        try GRUBLoader.require(secureBoot: secureBoot)
        try Tool.require([.makeFAT, .makeDirectories, .copyFiles] + (disk ? [.makeExt] : []))
    }

    /// At most what one medium with contents of this size needs where it is written, in bytes.
    static func requiredSpace(contents: Int64) -> Int64 {
        // Loaders, tables, rounding, the state partition.
        contents + contents / 32 + DiskLayout.stateSize + (48 << 20)
    }

    /// The same for two media with the same bytes: hashes of everything that goes in.
    package func key() throws -> String {
        var key = StageKey("medium")
        key.add("\(name) \(version) \(kernelVersion) \(secureBoot) \(forceActive) \(smallestESP) \(epoch)")
        for word in kernelArguments { key.add(word) }
        key.add(menuTemplate)
        for document in documents {
            key.add(document.name)
            key.add(SHA256.hash(data: Data(document.content)).description)
        }
        let loaders = try GRUBLoader.inputs(secureBoot: secureBoot).filter { exists($0) }
        for file in loaders { key.add(try measure(file).sha256.description) }
        return key.digest
    }

    /// The large files of /muster, in the order in which they stand on the medium.
    var files: [(name: String, file: FilePath)] {
        [("vmlinuz", kernel), ("initramfs.zst", initramfs)] + (root.map { [("root.squashfs", $0)] } ?? [])
            + (loaders.map { [(InstalledLoaders.fileName, $0)] } ?? [])
    }

    var seed: MediumSeed { MediumSeed(content: "\(name)/\(version)") }

    /// /boot/grub/grub.cfg. A medium with a state partition makes the node wait for it.
    func menu(hasState: Bool) throws -> String {
        var arguments = kernelArguments + (root == nil ? [] : ["muster.image=medium:\(volumeID)"])
        if hasState { arguments.append("muster.state=wait") }
        do {
            let title = "\(name) \(version), kernel \(kernelVersion)"
            return try BootMenu(template: menuTemplate).render(title: title, arguments: arguments, medium: volumeID)
        } catch {
            throw BuildError(.definition, "the boot menu: \(error)", remedy: error.remedy)
        }
    }

    /// Runs `body` with a fresh folder, which is removed afterwards.
    func withWorkFolder<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
        let folder = workDirectory.appending(".unfinished-medium-\(UInt64.random(in: 0 ... .max))")
        try makeDirectory(folder)
        defer { remove(folder) }
        return try await body(folder)
    }

    /// Translates what goes wrong into a `BuildError`.
    func translating<Result>(_ operation: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw BuildError(error, doing: operation)
        }
    }
}
