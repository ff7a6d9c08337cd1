import BlockDevices
import Glibc
import HostModel
import SystemPackage

/// The mounts of a live root: the image's file behind loop device and dm-verity, its squashfs, and an overlay in memory
/// on it. What an earlier attempt mounted is taken away first.
struct RootAssembly: Sendable {
    /// Everything but the finished root lies below it; /run is moved into the new root, and these mounts with it.
    let base: FilePath
    /// The finished root.
    let sysroot: FilePath

    static let mappingName = "muster-root"
    private static let folderMode: mode_t = 0o755

    var image: FilePath { base.appending("image") }
    var medium: FilePath { base.appending("medium") }
    private var root: FilePath { base.appending("root") }
    private var overlay: FilePath { base.appending("overlay") }

    func makeDirectories() throws(LiveRootFailure) {
        for path in [base, image, medium, root, overlay, sysroot] {
            guard mkdir(path.string, Self.folderMode) == 0 || errno == EEXIST else {
                throw LiveRootFailure(.system, "\(FileFailure(path, "make the directory"))", remedy: "try again")
            }
        }
    }

    /// Takes away what is mounted on the root image; the image's own file system stays, with what was downloaded.
    func takeDown() {
        for path in [sysroot, overlay, root] { Mount.remove(path) }
    }

    /// A file system in memory that holds one file of so many bytes, and no more.
    func mountImageStore(bytes: Int64) throws(LiveRootFailure) {
        let size = (bytes >> 12 + 64) << 12
        Mount.remove(image)
        try during {
            () throws(BlockDeviceError) in
            try Mount.mount(
                "muster-image",
                on: image,
                type: "tmpfs",
                flags: [.noSetUserID, .noDevices, .noExecution],
                options: "size=\(size),mode=0700"
            )
        }
    }

    /// The root of an open image file, finished at `sysroot`. With `checking`, every block of it is read first; without,
    /// dm-verity checks each one when it is used.
    func assemble(
        _ file: FileDescriptor,
        _ image: LiveImage,
        checking: Bool = false,
        overlayMebibytes: Int
    ) throws(LiveRootFailure) {
        takeDown()
        let mapped = try map(file, image)
        try requireSquashfs(mapped.path, image)
        if checking { try check(mapped.path, image) }
        do throws(LiveRootFailure) {
            try mount(mapped.path, overlayMebibytes)
            try requireInit()
        } catch {
            // An I/O error says little; that it came from a wrong block says everything.
            guard (try? mapped.isCorrupted()) == true else { throw error }
            throw Self.corrupted(image)
        }
    }

    /// The mapping keeps the loop device, which keeps the file.
    private func map(_ file: FileDescriptor, _ image: LiveImage) throws(LiveRootFailure) -> VerityDevice {
        try during { () throws(BlockDeviceError) in
            let loop = try LoopDevice.attach(file)
            return try VerityDevice.create(Self.mappingName, verity: image.verity, on: loop.path)
        }
    }

    private func requireSquashfs(_ device: FilePath, _ image: LiveImage) throws(LiveRootFailure) {
        let head: [UInt8]
        do throws(FileFailure) { head = try readFile(device, limit: 4096) ?? [] } catch {
            throw error.code == EIO ? Self.corrupted(image) : LiveRootFailure(.system, "\(error)", remedy: "try again")
        }
        guard head.starts(with: "hsqs".utf8) else {
            throw LiveRootFailure(
                .refused,
                "the root of the image \(image.name) \(image.version) is no squashfs",
                remedy: "build and publish the image again"
            )
        }
    }

    private static let checkBytes = 1 << 20

    private func check(_ device: FilePath, _ image: LiveImage) throws(LiveRootFailure) {
        do {
            let device = try FileDescriptor.open(device, .readOnly, options: .closeOnExec)
            defer { try? device.close() }
            var chunk = [UInt8](repeating: 0, count: Self.checkBytes)
            while try chunk.withUnsafeMutableBytes({ try device.read(into: $0) }) > 0 {}
        } catch {
            throw Self.corrupted(image)
        }
    }

    private func mount(_ device: FilePath, _ overlayMebibytes: Int) throws(LiveRootFailure) {
        try during { () throws(BlockDeviceError) in
            try Mount.mount(device.string, on: root, type: "squashfs", flags: [.readOnly, .noDevices])
            try Mount.mount(
                "muster-overlay",
                on: overlay,
                type: "tmpfs",
                options: "size=\(overlayMebibytes)m,mode=0755"
            )
            let (upper, work) = (overlay.appending("upper"), overlay.appending("work"))
            for path in [upper, work] {
                guard mkdir(path.string, Self.folderMode) == 0 else { throw BlockDeviceError("make \(path)") }
            }
            try Mount.mount(
                "muster-root",
                on: sysroot,
                type: "overlay",
                options: "lowerdir=\(root),upperdir=\(upper),workdir=\(work)"
            )
        }
    }

    /// A first process that cannot be started is a panic; so it is looked for before anything is given up.
    private func requireInit() throws(LiveRootFailure) {
        guard TreeLookup(root: sysroot).isProgram("/sbin/init") else {
            throw LiveRootFailure(
                .refused,
                "the root image has no /sbin/init that can be started",
                remedy: "build the image with an init"
            )
        }
    }

    private static func corrupted(_ image: LiveImage) -> LiveRootFailure {
        LiveRootFailure(
            .refused,
            "the root of the image \(image.name) \(image.version) is damaged: it is not what its signed root hash says",
            remedy: "write the medium or publish the image again"
        )
    }

    private func during<Value>(_ body: () throws(BlockDeviceError) -> Value) throws(LiveRootFailure) -> Value {
        do throws(BlockDeviceError) { return try body() } catch {
            throw LiveRootFailure(.system, error.description, remedy: "see the kernel's messages (dmesg)")
        }
    }
}
