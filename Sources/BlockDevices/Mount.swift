import Glibc
package import SystemPackage

/// mount(2) and umount2(2).
package enum Mount {
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt
        package init(rawValue: UInt) { self.rawValue = rawValue }

        package static let readOnly = Flags(rawValue: 1)
        package static let noSetUserID = Flags(rawValue: 2)
        package static let noDevices = Flags(rawValue: 4)
        package static let noExecution = Flags(rawValue: 8)
    }

    /// Mounts `source` on a directory that is there.
    package static func mount(
        _ source: String,
        on target: FilePath,
        type: String,
        flags: Flags = [],
        options: String = ""
    ) throws(BlockDeviceError) {
        guard Glibc.mount(source, target.string, type, flags.rawValue, options) == 0 else {
            throw BlockDeviceError("mount \(source) as \(type)")
        }
    }

    /// Takes a mount away; one that is in use goes when its last user does. Where nothing is mounted, nothing is done.
    package static func remove(_ target: FilePath) {
        _ = umount2(target.string, CInt(MNT_DETACH))
    }
}
