import Glibc
import SystemPackage

/// What stands at a path, links not followed.
enum FileKind: Equatable {
    case file(executable: Bool)
    case directory
    case symbolicLink(target: String)
    case other

    init(of path: FilePath) throws {
        var status = stat()
        guard lstat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
        switch status.st_mode & 0o170000 {
        case 0o100000: self = .file(executable: status.st_mode & 0o100 != 0)
        case 0o040000: self = .directory
        case 0o120000: self = .symbolicLink(target: try Self.target(of: path))
        default: self = .other
        }
    }

    /// The files below a folder, in byte order; links are not followed.
    static func files(below folder: FilePath) throws -> [FilePath] {
        var files: [FilePath] = []
        for name in try names(in: folder) {
            let path = folder.appending(name)
            switch try FileKind(of: path) {
            case .directory: files += try Self.files(below: path)
            case .file: files.append(path)
            default: continue
            }
        }
        return files
    }

    private static func target(of path: FilePath) throws -> String {
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            let count = buffer.baseAddress.map { readlink(path.string, $0, buffer.count) } ?? -1
            guard count >= 0 else { throw Errno(rawValue: errno) }
            return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
