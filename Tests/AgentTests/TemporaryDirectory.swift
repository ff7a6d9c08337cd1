import Agent
import Glibc
import SystemPackage

/// A directory of its own for one test, removed with the value.
final class TemporaryDirectory: Sendable {
    let path: FilePath

    init() {
        var template = Array("/tmp/muster-agent-test-\(getpid())-XXXXXX".utf8CString)
        path = mkdtemp(&template) == nil ? "/tmp" : FilePath(platformString: template)
    }

    deinit { Self.remove(path) }

    var directory: NodeDirectory { NodeDirectory(path) }

    func directory(_ name: String) throws -> NodeDirectory {
        let directory = NodeDirectory(path.appending(name))
        try directory.make()
        return directory
    }

    private static func remove(_ path: FilePath) {
        if let directory = opendir(path.string) {
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                let child = path.appending(name)
                if entry.pointee.d_type == UInt8(DT_DIR) { remove(child) } else { unlink(child.string) }
            }
            closedir(directory)
        }
        rmdir(path.string)
    }
}
