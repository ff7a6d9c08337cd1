import Foundation
import HostModel
import Testing

/// A directory of one test, gone with it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = "/tmp/muster-bs-\(getpid())-\(UniqueID.random().rawValue.prefix(8))"
        try #require(mkdir(path, 0o755) == 0)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file below it.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, mode)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            try #require(count > 0)
            rest = rest.dropFirst(count)
        }
        return file
    }

    func read(_ name: String) throws -> [UInt8] {
        let descriptor = open("\(path)/\(name)", O_RDONLY)
        try #require(descriptor >= 0, "\(name)")
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Foundation.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
        }
    }
}
