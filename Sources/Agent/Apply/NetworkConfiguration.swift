import AgentWire
import Glibc
package import HostModel
import NIOCore
package import SystemPackage

/// One of VDSM's two network configurations on disk (ovirt.md 6.6): a symbolic link to a directory with a JSON file for
/// each network. A new one is written beside the old one and takes its place in one rename.
package struct NetworkConfiguration: Sendable {
    package let root: FilePath

    package init(_ root: FilePath) { self.root = root }

    /// What the host runs with.
    package static func running(in directory: FilePath) -> NetworkConfiguration {
        NetworkConfiguration(directory.appending("staging").appending("netconf"))
    }

    /// What is restored at boot.
    package static func persistent(in directory: FilePath) -> NetworkConfiguration {
        NetworkConfiguration(directory.appending("persistence").appending("netconf"))
    }

    /// The networks by name; none when there is no configuration yet. A file that can not be read as a network is an
    /// error: what it names would otherwise be taken for a stranger's and torn down.
    package func networks() throws -> [String: WantedNetwork] {
        var networks: [String: WantedNetwork] = [:]
        let directory = root.appending("nets")
        for name in try Self.names(in: directory) {
            guard let bytes = try readFile(directory.appending(name), limit: NodeDirectory.fileBytesMax) else {
                continue
            }
            let value = try JSONText.decode(JSONValue.self, from: ByteBuffer(bytes: bytes))
            networks[name] = try WantedNetwork(name: name, canonical: value)
        }
        return networks
    }

    /// Replaces the whole configuration.
    package func save(_ networks: [String: WantedNetwork]) throws {
        let parent = NodeDirectory(root.removingLastComponent())
        try parent.make(permissions: .directory)
        let name = "\(root.lastComponent?.string ?? "netconf").\(Self.suffix())"
        let fresh = parent.file(name)
        for part in ["nets", "bonds", "devices"] {
            try NodeDirectory(fresh.appending(part)).make(permissions: .directory)
        }
        let nets = NodeDirectory(fresh.appending("nets"))
        for (name, network) in networks { try nets.write(Array((network.canonical.pretty() + "\n").utf8), to: name) }
        let old = Self.target(of: root)
        let link = parent.file(".\(name)")
        guard symlink(name, link.string) == 0 else { throw FileFailure(link, "make the link") }
        guard rename(link.string, root.string) == 0 else {
            let failure = FileFailure(root, "replace")
            unlink(link.string)
            throw failure
        }
        if let old { Self.removeTree(parent.file(old)) }
    }

    /// Eight letters, as VDSM has.
    private static func suffix() -> String {
        String((0..<8).compactMap { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() })
    }

    private static func target(of link: FilePath) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink(link.string, &buffer, buffer.count)
        guard length > 0 else { return nil }
        let name = String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return name.contains("/") ? nil : name
    }

    private static func names(in directory: FilePath) throws(FileFailure) -> [String] {
        guard let handle = opendir(directory.string) else {
            if errno == ENOENT { return [] }
            throw FileFailure(directory, "open")
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            // Hidden ones are those that are being written.
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// The tree has two floors; what does not go away is only garbage.
    private static func removeTree(_ tree: FilePath) {
        for part in ["nets", "bonds", "devices"] {
            let directory = tree.appending(part)
            for name in (try? names(in: directory)) ?? [] { unlink(directory.appending(name).string) }
            rmdir(directory.string)
        }
        rmdir(tree.string)
    }
}

extension FilePermissions {
    /// `rwxr-xr-x`
    static let directory: FilePermissions = [
        .ownerReadWriteExecute, .groupRead, .groupExecute, .otherRead, .otherExecute,
    ]
}
