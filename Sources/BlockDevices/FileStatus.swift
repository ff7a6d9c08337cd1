import Glibc
package import SystemPackage

/// What stat(2) says of a file. The agent asks here and nowhere else: in a module that imports Foundation, be it through
/// others, the compiler takes `stat` for CoreFoundation's now and then, depending on which files it compiles together.
package struct FileStatus: Hashable, Sendable {
    /// A plain file: no device, pipe, link or directory.
    package let isRegular: Bool
    /// Bytes.
    package let size: Int64
    /// The lower twelve bits of the mode.
    package let permissions: UInt32
    package let user: UInt32
    package let group: UInt32
    /// The last change of the content, in seconds since 1970.
    package let modified: Int
    /// Nanoseconds after `modified`.
    package let modifiedNanoseconds: Int

    /// `nil` when the kernel does not say.
    package init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Of a link itself unless `followsLinks`; `nil` for what is not there.
    package init?(_ path: FilePath, followsLinks: Bool) {
        var status = stat()
        guard (followsLinks ? stat(path.string, &status) : lstat(path.string, &status)) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        (isRegular, size) = (status.st_mode & S_IFMT == S_IFREG, Int64(status.st_size))
        (permissions, user, group) = (status.st_mode & 0o7777, status.st_uid, status.st_gid)
        (modified, modifiedNanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}
