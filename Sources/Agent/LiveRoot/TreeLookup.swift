import BlockDevices
import Glibc
package import SystemPackage

/// Paths in a tree that will be the root of another system: links are followed as they will be there.
package struct TreeLookup: Sendable {
    private let root: FilePath

    /// As the kernel has it (path_resolution(7)).
    private static let linksMax = 40

    package init(root: FilePath) { self.root = root }

    /// True when the path leads to a regular file that can be executed.
    package func isProgram(_ path: String) -> Bool {
        var pending = Self.components(path)
        var current: [String] = []
        var links = 0
        while !pending.isEmpty {
            let component = pending.removeFirst()
            if component == ".." {
                _ = current.popLast()
                continue
            }
            guard let target = link(current + [component]) else {
                current.append(component)
                continue
            }
            links += 1
            guard links <= Self.linksMax else { return false }
            if target.hasPrefix("/") { current = [] }
            pending = Self.components(target) + pending
        }
        guard let status = FileStatus(place(current), followsLinks: false) else { return false }
        return status.isRegular && status.permissions & 0o111 != 0
    }

    private static func components(_ path: String) -> [String] {
        path.split(separator: "/").map(String.init).filter { $0 != "." }
    }

    private func place(_ components: [String]) -> FilePath {
        components.reduce(root) { $0.appending($1) }
    }

    private func link(_ components: [String]) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(place(components).string, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
