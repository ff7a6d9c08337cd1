package import SystemPackage

/// A `.deb`: an ar archive of `debian-binary`, `control.tar.*` and `data.tar.*` (deb(5)).
package enum DebianPackage {
    /// A member larger than this is refused; the kernel's is 70 MB.
    package static let largestMember = 1 << 30

    /// The files that the package installs.
    package static func files(of package: FilePath) throws(ArchiveError) -> ArchiveReader {
        try member("data.tar", of: package)
    }

    /// Its metadata (`control`, `md5sums`).
    package static func control(of package: FilePath) throws(ArchiveError) -> ArchiveReader {
        try member("control.tar", of: package)
    }

    /// When the package was built, in seconds since 1970: the date of its first member.
    package static func date(of package: FilePath) throws(ArchiveError) -> Int64 {
        var outer = try ArchiveReader.open(package)
        guard let first = try outer.nextEntry() else {
            throw ArchiveError(operation: "read", path: package.string, detail: "nothing in it: not a Debian package")
        }
        return first.modified
    }

    private static func member(_ prefix: String, of package: FilePath) throws(ArchiveError) -> ArchiveReader {
        var outer = try ArchiveReader.open(package)
        while let entry = try outer.nextEntry() {
            guard entry.path.text.hasPrefix(prefix) else { continue }
            let bytes = try outer.readContent(limit: largestMember)
            return try ArchiveReader.open(bytes: bytes, name: "\(package.string):\(entry.path)")
        }
        throw ArchiveError(operation: "read", path: package.string, detail: "no \(prefix) in it: not a Debian package")
    }
}
