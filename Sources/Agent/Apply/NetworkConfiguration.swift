import AgentWire
import BlockDevices
import Glibc
package import HostModel
import NIOCore
package import SystemPackage

/// One of VDSM's two network configurations on disk (ovirt.md 6.6): a symbolic link to a directory with a JSON file for
/// each network and bond. A new one is written beside the old one and takes its place in one rename.
package struct NetworkConfiguration: Sendable {
    package let root: FilePath

    package init(_ root: FilePath) { self.root = root }

    /// A directory that was, or is, in force in the place of another configuration.
    package init(_ tree: String?, beside other: NetworkConfiguration) {
        root = tree.map { other.root.removingLastComponent().appending($0) } ?? "/nonexistent"
    }

    /// What the host runs with.
    package static func running(in directory: FilePath) -> NetworkConfiguration {
        NetworkConfiguration(directory.appending("staging").appending("netconf"))
    }

    /// What is restored at boot.
    package static func persistent(in directory: FilePath) -> NetworkConfiguration {
        NetworkConfiguration(directory.appending("persistence").appending("netconf"))
    }

    /// Networks and bonds by name; none when there is no configuration yet. A file that can not be read as one is an error:
    /// what it names would otherwise be taken for a stranger's and torn down.
    package func owned() throws -> OwnedNetworks {
        try read { throw $0 }
    }

    /// What can be read, whatever became of the rest.
    package func readable() throws -> (owned: OwnedNetworks, lost: [UnreadableEntity]) {
        var lost: [UnreadableEntity] = []
        let owned = try read { lost.append($0) }
        return (owned, lost)
    }

    private func read(_ skip: (UnreadableEntity) throws -> Void) throws -> OwnedNetworks {
        var owned = OwnedNetworks()
        try each(in: "nets", skip) { owned.networks[$0] = try WantedNetwork(name: $0, canonical: $1) }
        try each(in: "bonds", skip) { owned.bonds[$0] = try WantedBond(name: $0, canonical: $1) }
        try each(in: "devices", skip) { owned.virtualFunctions[$0] = try OwnedNetworks.virtualFunctions($0, $1) }
        return owned
    }

    private func each(
        in part: String,
        _ skip: (UnreadableEntity) throws -> Void,
        _ body: (String, JSONValue) throws -> Void
    ) throws {
        let directory = root.appending(part)
        for name in try Self.names(in: directory) {
            let path = directory.appending(name)
            do {
                guard let bytes = try readFile(path, limit: NodeDirectory.fileBytesMax) else { continue }
                let members = try JSONText.decode([String: JSONValue].self, from: ByteBuffer(bytes: bytes))
                try body(name, .object(members))
            } catch {
                try skip(UnreadableEntity(name: name, path: path, reason: Self.reason(error)))
            }
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let refusal as NetworkRefusal: refusal.description
        case let failure as FileFailure: failure.description
        default: "it is no JSON object"
        }
    }

    /// The name of the directory that is in force; `nil` when there is none yet.
    package var tree: String? { Self.target(of: root) }

    /// Whether what is in force was put in force before the machine started, as far as its clock can tell.
    var isOlderThanBoot: Bool {
        var (uptime, now) = (timespec(), timespec())
        guard let status = FileStatus(root, followsLinks: false) else { return false }
        clock_gettime(CLOCK_BOOTTIME, &uptime)
        clock_gettime(CLOCK_REALTIME, &now)
        return status.modified < now.tv_sec - uptime.tv_sec
    }

    /// Replaces the whole configuration. `former` is what is in force: files of what did not change are shared with it. The
    /// directory that was in force stays, for `restore`, until `sweep`.
    package func save(_ owned: OwnedNetworks, instead former: OwnedNetworks = OwnedNetworks()) throws {
        let parent = NodeDirectory(root.removingLastComponent())
        try parent.make(permissions: .directory)
        let name = "\(root.lastComponent?.string ?? "netconf").\(Self.suffix())"
        let old = tree.map { parent.file($0) }
        var writer = TreeWriter(parent.file(name), sharing: old)
        try writer.begin()
        for (entity, network) in owned.networks {
            try writer.put(entity, in: "nets", isSame: former.networks[entity] == network) { network.canonical }
        }
        for (entity, bond) in owned.bonds {
            try writer.put(entity, in: "bonds", isSame: former.bonds[entity] == bond) { bond.canonical }
        }
        for (nic, count) in owned.virtualFunctions {
            try writer.put(nic, in: "devices", isSame: former.virtualFunctions[nic] == count) {
                OwnedNetworks.canonical(virtualFunctions: count)
            }
        }
        try writer.flush()
        try put(name)
    }

    /// Puts a directory in force that was so before; without one there is no configuration again.
    package func restore(_ tree: String?) throws {
        guard self.tree != tree else { return }
        guard let tree else {
            guard unlink(root.string) == 0 || errno == ENOENT else { throw FileFailure(root, "remove") }
            return
        }
        try put(tree)
    }

    /// Removes the directories that are not in force. What does not go away is only garbage.
    package func sweep() {
        let parent = root.removingLastComponent()
        let (kept, prefix) = (tree, "\(root.lastComponent?.string ?? "netconf").")
        for name in (try? Self.names(in: parent)) ?? [] where name.hasPrefix(prefix) && name != kept {
            Self.removeTree(parent.appending(name))
        }
    }

    private func put(_ name: String) throws {
        let parent = root.removingLastComponent()
        let link = parent.appending(".\(name)")
        unlink(link.string)
        guard symlink(name, link.string) == 0 else { throw FileFailure(link, "make the link") }
        guard rename(link.string, root.string) == 0 else {
            let failure = FileFailure(root, "replace")
            unlink(link.string)
            throw failure
        }
        let descriptor = open(parent.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(parent, "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileFailure(parent, "flush") }
    }

    /// Eight letters, as VDSM has.
    private static func suffix() -> String {
        String((0..<8).compactMap { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() })
    }

    private static func target(of link: FilePath) -> String? {
        linkTarget(of: link).flatMap { $0.contains("/") ? nil : $0 }
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

/// A file of a network configuration that says nothing about a network or bond.
package struct UnreadableEntity: Error, Hashable, Sendable, CustomStringConvertible {
    package var name: String
    package var path: FilePath
    package var reason: String

    private var cause: String { "\(path) cannot be read as a network or bond (\(reason))" }

    /// Of what was committed the rest comes back.
    package var sentence: String { "\(name) is left out: \(cause); attach it again, and commit" }

    package var description: String { "\(cause); without this file \(name) is nobody's, and is left as it stands" }
}

extension FilePermissions {
    /// `rwxr-xr-x`
    static let directory: FilePermissions = [
        .ownerReadWriteExecute, .groupRead, .groupExecute, .otherRead, .otherExecute,
    ]
}
