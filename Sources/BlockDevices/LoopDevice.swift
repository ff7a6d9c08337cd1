import CDeviceMapper
import Glibc
package import SystemPackage

/// A loop device over a file or a part of it (kernel, include/uapi/linux/loop.h). The kernel lets go of it when its last user
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
        var configuration = loop_config()
        configuration.block_size = 4096
        configuration.info.lo_flags = UInt32(LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR)
        return try attach(file, configuration, devices)
    }

    /// Attaches a part of an open disk, which can be written to: a partition, whatever the kernel knows of it.
    package static func attach(
        _ file: FileDescriptor,
        part: Range<Int64>,
        devices: FilePath = "/dev"
    ) throws(BlockDeviceError) -> LoopDevice {
        var configuration = loop_config()
        configuration.block_size = 512
        configuration.info.lo_flags = UInt32(LO_FLAGS_AUTOCLEAR)
        configuration.info.lo_offset = UInt64(part.lowerBound)
        configuration.info.lo_sizelimit = UInt64(part.count)
        return try attach(file, configuration, devices)
    }

    private static func attach(
        _ file: FileDescriptor,
        _ configuration: loop_config,
        _ devices: FilePath
    ) throws(BlockDeviceError) -> LoopDevice {
        let control = open(devices.appending("loop-control").string, O_RDWR | O_CLOEXEC)
        guard control >= 0 else { throw BlockDeviceError("open /dev/loop-control") }
        defer { close(control) }
        for _ in 0..<attemptsMax {
            let number = ioctl(control, UInt(LOOP_CTL_GET_FREE), 0 as CInt)
            guard number >= 0 else { throw BlockDeviceError("find a free loop device") }
            let path = devices.appending("loop\(number)")
            let isReadOnly = configuration.info.lo_flags & UInt32(LO_FLAGS_READ_ONLY) != 0
            let descriptor = open(path.string, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC)
            guard descriptor >= 0 else { throw BlockDeviceError("open \(path)") }
            if configure(descriptor, file, configuration) { return LoopDevice(path: path, owning: descriptor) }
            let code = errno
            close(descriptor)
            guard code == EBUSY else { throw BlockDeviceError("attach a file to \(path)", code: code) }
        }
        throw BlockDeviceError("find a free loop device", code: EBUSY)
    }

    /// LOOP_CONFIGURE (Linux 5.8) does all in one step; older kernels (EL8) take two.
    private static func configure(_ descriptor: CInt, _ file: FileDescriptor, _ wanted: loop_config) -> Bool {
        var configuration = wanted
        configuration.fd = UInt32(file.rawValue)
        if ioctl(descriptor, UInt(LOOP_CONFIGURE), &configuration) == 0 { return true }
        guard errno == EINVAL || errno == ENOTTY else { return false }
        guard ioctl(descriptor, UInt(LOOP_SET_FD), file.rawValue) == 0 else { return false }
        return ioctl(descriptor, UInt(LOOP_SET_STATUS64), &configuration.info) == 0
    }
}
