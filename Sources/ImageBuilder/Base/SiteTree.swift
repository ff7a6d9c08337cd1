import Archive
import FoundationEssentials
import Glibc
import SystemPackage

/// A tree that the site brings: a tar archive, compressed or not, which is read where it is; or a directory, whose owners
/// and modes are taken as they are.
struct SiteTree {
    var source: FilePath
    var cache: FilePath

    enum Form: Equatable {
        case archive
        case directory
    }

    /// - Throws: when it is neither, or when the build would write into it.
    func form(outputs: [FilePath]) throws -> Form {
        let real = Self.real(source)
        guard let kind = try? FileKind(of: real) else {
            throw BuildError(.files, "the tree \(source) is not there", remedy: "correct base.tree and build again")
        }
        switch kind {
        case .file: return .archive
        case .directory:
            for output in outputs where Self.real(output).starts(with: real) {
                throw BuildError(
                    .definition,
                    "\(output), where the build writes, lies in the tree \(source) that it reads",
                    remedy: "name another output and cache folder, outside of the tree"
                )
            }
            return .directory
        default:
            throw BuildError(.files, "the tree \(source) is no archive and no directory", remedy: "correct base.tree")
        }
    }

    /// What the tree depends on: an archive's bytes; a directory's names, sizes, owners, modes and times.
    func key(_ form: Form) throws -> (key: String, size: Int64, newest: Int64) {
        guard form == .directory else {
            let measured = try measure(source)
            return ("archive \(measured.sha256)", measured.size, 0)
        }
        var key = StageKey("directory")
        var (size, newest): (Int64, Int64) = (0, 0)
        try Self.walk(Self.real(source), name: "") { name, status in
            key.add("\(name) \(status.st_mode) \(status.st_uid) \(status.st_gid) \(status.st_size)")
            key.add(
                "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
            )
            if status.st_mode & 0o170000 == 0o100000 { size += Int64(status.st_size) }
            newest = max(newest, Int64(status.st_mtim.tv_sec))
        }
        return (key.digest, size, newest)
    }

    private static func walk(_ folder: FilePath, name: String, _ body: (String, stat) -> Void) throws {
        try Task.checkCancellation()
        for child in try names(in: folder) {
            let path = folder.appending(child)
            var status = stat()
            guard lstat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
            body("\(name)/\(child)", status)
            if status.st_mode & 0o170000 == 0o040000 { try walk(path, name: "\(name)/\(child)", body) }
        }
    }

    /// Packs a directory: names in byte order, owners as numbers, no time later than `epoch`.
    static func pack(_ directory: FilePath, to tar: FilePath, epoch: Int64) async throws {
        _ = try await Tool.tar.run([
            "--create", "--file", tar.string, "--directory", directory.string, "--sort=name", "--numeric-owner",
            "--one-file-system", "--xattrs", "--xattrs-include=*", "--format=pax",
            "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime", "--mtime=@\(epoch)", "--clamp-mtime",
            "--", ".",
        ])
    }

    /// Without links on the way.
    static func real(_ path: FilePath) -> FilePath {
        FilePath(URL(filePath: path.string).resolvingSymlinksInPath().path)
    }
}
