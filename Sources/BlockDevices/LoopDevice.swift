import CDeviceMapper
import Glibc
package import SystemPackage

/// A read-only loop device over a file (kernel, include/uapi/linux/loop.h). The kernel lets go of it when its last user
/// closes it, so nothing is left behind by a process that dies: `LO_FLAGS_AUTOCLEAR`.
package struct LoopDevice: ~Copyable {
    /// `/dev/loop0`.
    package let path: FilePath
    private let descriptor: CInt

    private init(path: FilePath, owning descriptor: CInt) { (self.path, self.descriptor) = (path, descriptor) }

    /// The device stays while something else has it open: a mapping, a mount.
    deinit { close(descriptor) }

    /// How often another program may take the free device that we were named, before we give up.
    private static let attemptsMax = 16

    /// Attaches an open file, read-only, to a free loop device below `devices` (`/dev`).
    package static func attach(
        _ file: FileDescriptor,
        devices: FilePath = "/dev"
    ) throws(BlockDeviceError) -> LoopDevice {
        let control = open(devices.appending("loop-control").string, O_RDWR | O_CLOEXEC)
        guard control >= 0 else { throw BlockDeviceError("open /dev/loop-control") }
        defer { close(control) }
        for _ in 0..<attemptsMax {
            let number = ioctl(control, UInt(LOOP_CTL_GET_FREE), 0 as CInt)
            guard number >= 0 else { throw BlockDeviceError("find a free loop device") }
            let path = devices.appending("loop\(number)")
            let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw BlockDeviceError("open \(path)") }
            if configure(descriptor, file) { return LoopDevice(path: path, owning: descriptor) }
            let code = errno
            close(descriptor)
            guard code == EBUSY else { throw BlockDeviceError("attach a file to \(path)", code: code) }
        }
        throw BlockDeviceError("find a free loop device", code: EBUSY)
    }

    /// LOOP_CONFIGURE (Linux 5.8) does all in one step; older kernels (EL8) take two.
    private static func configure(_ descriptor: CInt, _ file: FileDescriptor) -> Bool {
        var configuration = loop_config()
        configuration.fd = UInt32(file.rawValue)
        configuration.block_size = 4096
        configuration.info.lo_flags = UInt32(LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR)
        if ioctl(descriptor, UInt(LOOP_CONFIGURE), &configuration) == 0 { return true }
        guard errno == EINVAL || errno == ENOTTY else { return false }
        guard ioctl(descriptor, UInt(LOOP_SET_FD), file.rawValue) == 0 else { return false }
        return ioctl(descriptor, UInt(LOOP_SET_STATUS64), &configuration.info) == 0
    }
}
