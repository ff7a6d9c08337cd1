import BlockDevices
import Glibc
import HostModel
import SystemPackage

/// A CD, a USB stick, a disk or a slot of one that carries an image in its folder `muster`.
struct LiveMedium: Sendable {
    enum Name: Sendable {
        case volume(VolumeID)
        /// A slot of the disk with this GUID in its partition table.
        case slot(BootSlot, disk: GUID)
    }

    let name: Name
    let mountPoint: FilePath

    struct Found: Sendable {
        var device: FilePath
        var image: LiveImage
        /// The root image, open for reading; it keeps the medium mounted.
        var file: FileDescriptor
    }

    static let folder = "muster"
    /// USB controllers and drives take seconds to come up.
    private static let pause = Duration.milliseconds(500)
    private static let secondsBetweenWords = 10

    /// Looks until a medium of that name is there, at most so many seconds. One that is there and is not what was asked
    /// for is no reason to stop: another may be.
    func find(
        seconds: Int,
        _ trust: ImageTrust,
        say: (String) -> Void
    ) async throws -> Found {
        let start = ContinuousClock.now
        var said = 0
        var refusal: LiveRootFailure?
        while true {
            for candidate in candidates() {
                do throws(LiveRootFailure) { return try open(candidate, trust) } catch {
                    if refusal == nil { say("\(candidate.device) is no use: \(error.message)") }
                    refusal = error
                }
            }
            let passed = Int(start.duration(to: .now).components.seconds)
            guard passed < seconds else { break }
            if passed >= said {
                said = passed + Self.secondsBetweenWords
                say("looking for \(name) (up to \(seconds) s)")
            }
            try await Task.sleep(for: Self.pause)
        }
        throw refusal
            ?? LiveRootFailure(
                .medium,
                "no drive of this machine holds \(name)",
                remedy: "put it into a drive of this machine; a drive may need a driver that the initramfs lacks"
            )
    }

    private func candidates() -> [MediumSearch.Candidate] {
        switch name {
        case .volume(let volumeID): return MediumSearch().find(volumeID.text)
        case .slot(let slot, let guid):
            let inventory = DiskInventory()
            // Of two copies either will do: its image is verified, and read only. What is mounted then is this node's own disk.
            guard let disk = inventory.disk(guid) ?? inventory.disks(guid).first,
                let partition = inventory.partition(InstalledLayout.number(of: slot), of: disk)
            else { return [] }
            return [.init(device: inventory.device(partition), fileSystem: .ext4)]
        }
    }

    private var source: LiveImageSource {
        switch name {
        case .volume(let volumeID): .medium(volumeID)
        case .slot(let slot, _): .slot(slot)
        }
    }

    private func open(_ candidate: MediumSearch.Candidate, _ trust: ImageTrust) throws(LiveRootFailure) -> Found {
        Mount.remove(mountPoint)
        do throws(BlockDeviceError) {
            try Mount.mount(
                candidate.device.string,
                on: mountPoint,
                type: candidate.fileSystem.rawValue,
                flags: [.readOnly, .noSetUserID, .noDevices, .noExecution]
            )
        } catch {
            throw LiveRootFailure(.medium, error.description, remedy: "write the medium again")
        }
        do throws(LiveRootFailure) {
            let image = try LiveImage(
                manifest: try bytes(LiveImageSource.manifestName, limit: LiveImage.manifestBytesMax),
                signature: try bytes(LiveImageSource.signatureName, limit: ImageSignature.bytesMax),
                trusting: trust.certificates,
                for: source
            )
            return Found(device: candidate.device, image: image, file: try openRoot(image))
        } catch {
            Mount.remove(mountPoint)
            throw error
        }
    }

    private func bytes(_ name: String, limit: Int) throws(LiveRootFailure) -> [UInt8] {
        let file = try openFile(name)
        defer { try? file.close() }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= limit {
            let count = Glibc.read(file.rawValue, &chunk, chunk.count)
            guard count >= 0 else { throw unreadable(name) }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
        }
        throw LiveRootFailure(
            .refused,
            "\(name) on the medium is over \(limit) bytes",
            remedy: "write the medium again"
        )
    }

    private func openRoot(_ image: LiveImage) throws(LiveRootFailure) -> FileDescriptor {
        let file = try openFile(image.root.name)
        let size = FileStatus(file.rawValue)?.size ?? 0
        guard size == image.root.size else {
            try? file.close()
            throw LiveRootFailure(
                .refused,
                "\(image.root.name) on the medium has \(size) bytes, its manifest says \(image.root.size)",
                remedy: "write the medium again"
            )
        }
        return file
    }

    /// A regular file in the medium's folder; no link is followed, whatever file system it is.
    private func openFile(_ name: String) throws(LiveRootFailure) -> FileDescriptor {
        let directory = Glibc.open(
            mountPoint.appending(Self.folder).string,
            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        )
        guard directory >= 0 else { throw unreadable(Self.folder) }
        defer { close(directory) }
        let descriptor = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(name) }
        guard FileStatus(descriptor)?.isRegular == true else {
            close(descriptor)
            throw LiveRootFailure(.refused, "\(name) on the medium is no file", remedy: "write the medium again")
        }
        return FileDescriptor(rawValue: descriptor)
    }

    private func unreadable(_ name: String) -> LiveRootFailure {
        let reason = String(cString: strerror(errno))
        return LiveRootFailure(
            .medium,
            "\(name) on the medium cannot be read: \(reason)",
            remedy: "write the medium again"
        )
    }
}

extension LiveMedium.Name: CustomStringConvertible {
    var description: String {
        switch self {
        case .volume(let volumeID): "the medium \(volumeID)"
        case .slot(let slot, let disk): "slot \(slot.rawValue) of the disk \(disk)"
        }
    }
}
