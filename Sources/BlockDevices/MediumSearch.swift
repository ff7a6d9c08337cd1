import Glibc
package import SystemPackage

/// The block devices of this machine that may hold a medium, by what they call themselves.
package struct MediumSearch: Sendable {
    /// A device with a file system that can be mounted.
    package struct Candidate: Hashable, Sendable {
        /// `/dev/sr0`.
        package var device: FilePath
        package var fileSystem: Superblock.FileSystem

        package init(device: FilePath, fileSystem: Superblock.FileSystem) {
            (self.device, self.fileSystem) = (device, fileSystem)
        }
    }

    private let sysfs: FilePath
    private let devices: FilePath

    /// Devices of the kernel's own making are no media.
    private static let virtual = ["loop", "ram", "zram", "dm-", "md", "nbd"]
    /// Bytes of a `uevent` file that are read.
    private static let ueventBytesMax = 4096
    /// The letters that a FAT label has room for.
    private static let fatLabelLength = 11

    package init(sysfs: FilePath = "/sys/class/block", devices: FilePath = "/dev") {
        (self.sysfs, self.devices) = (sysfs, devices)
    }

    /// The devices whose volume id, label, or partition name is `volumeID`; those that say the whole of it come first. A
    /// FAT label keeps only the first 11 letters, so such a device is a candidate and no more.
    package func find(_ volumeID: String) -> [Candidate] {
        var exact: [Candidate] = []
        var likely: [Candidate] = []
        for name in names() where !Self.virtual.contains(where: { name.hasPrefix($0) }) {
            guard let superblock = read(name) else { continue }
            let candidate = Candidate(device: devices.appending(name), fileSystem: superblock.fileSystem)
            if superblock.label == volumeID || partitionName(name) == volumeID {
                exact.append(candidate)
            } else if superblock.fileSystem == .vfat, superblock.label == volumeID.prefix(Self.fatLabelLength) {
                likely.append(candidate)
            }
        }
        return exact + likely
    }

    /// Names of every block device and partition, sorted by bytes.
    private func names() -> [String] {
        guard let directory = opendir(sysfs.string) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// A drive without a medium, or one that cannot be read, is passed over: another may have it.
    private func read(_ name: String) -> Superblock? {
        Superblock(Self.head(of: devices.appending(name), bytes: Superblock.bytesNeeded))
    }

    /// `PARTNAME=` of the kernel, from the GPT.
    private func partitionName(_ name: String) -> String? {
        let bytes = Self.head(of: sysfs.appending(name).appending("uevent"), bytes: Self.ueventBytesMax)
        let line = bytes.split(separator: 10).first { $0.starts(with: "PARTNAME=".utf8) }
        return line.map { String(decoding: $0.dropFirst("PARTNAME=".utf8.count), as: UTF8.self) }
    }

    private static func head(of path: FilePath, bytes count: Int) -> [UInt8] {
        // O_NONBLOCK: opening a drive without a medium must not wait for one.
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < count {
            let got = Glibc.read(descriptor, &chunk, min(chunk.count, count - bytes.count))
            guard got > 0 else { break }
            bytes += chunk.prefix(got)
        }
        return bytes
    }
}
