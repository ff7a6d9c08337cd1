import AgentWire
package import HostModel
import NIOCore
import SystemPackage

/// What a running change is taken back to, on disk before the change begins: an `apply` that is killed finds it when it
/// starts again. It lies below /run, because after a reboot there is nothing to take back.
package struct UndoJournal: Sendable {
    package struct Entry: Hashable, Sendable, Codable {
        /// The state before the change, of the links that it touches.
        package var before: NetworkState
        /// Those links, also the ones that were not there.
        package var touched: [String]
        /// The directory of the running configuration before the change; `nil` when there was none.
        package var tree: String?

        package init(before: NetworkState, touched: [String], tree: String?) {
            (self.before, self.touched, self.tree) = (before, touched, tree)
        }
    }

    private let directory: NodeDirectory
    private static let name = "network-undo.json"

    package init(in directory: NodeDirectory) { self.directory = directory }

    /// On disk when this returns.
    package func write(_ entry: Entry) throws {
        try directory.write(
            Array(try JSONText.encode(entry).readableBytesView),
            to: Self.name,
            permissions: [.ownerReadWrite]
        )
    }

    /// The longest that is read, in bytes: thousands of links.
    private static let bytesMax = 64 << 20

    /// The change that was not finished; `nil` when there is none.
    package func read() throws -> Entry? {
        guard let bytes = try readFile(directory.file(Self.name), limit: Self.bytesMax) else { return nil }
        return try JSONText.decode(Entry.self, from: ByteBuffer(bytes: bytes))
    }

    /// The change is finished, one way or the other.
    package func clear() throws { try directory.remove(Self.name) }
}
