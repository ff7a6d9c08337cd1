import Glibc
package import SystemPackage

/// A file system that is mounted nowhere: only this value's descriptor holds it, so that it is gone when the program is. Its end writes everything to the device.
package final class TransientMount: Sendable {
    /// Its topmost directory.
    package let directory: FileDescriptor

    /// Mounts a device for a moment below `folder`, opens it, and takes the mount away again.
    package init(
        _ device: FilePath,
        type: String,
        readOnly: Bool,
        folder: FilePath = "/run"
    ) throws(BlockDeviceError) {
        var template = Array(folder.appending("muster-mount.XXXXXX").string.utf8CString)
        guard mkdtemp(&template) != nil else { throw BlockDeviceError("make a directory in \(folder)") }
        let place = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        defer { rmdir(place.string) }
        let flags: Mount.Flags = [.noSetUserID, .noDevices, .noExecution]
        try Mount.mount(device.string, on: place, type: type, flags: readOnly ? flags.union(.readOnly) : flags)
        defer { Mount.remove(place) }
        let descriptor = open(place.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw BlockDeviceError("open \(place)") }
        directory = FileDescriptor(rawValue: descriptor)
    }

    deinit { try? directory.close() }
}
