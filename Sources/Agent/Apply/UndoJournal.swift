package import AgentWire
package import HostModel
import NIOCore
import SystemPackage

/// What takes a running change back, on disk before the change begins: an `apply` that is killed finds it when it starts
/// again. It lies below /run, because after a reboot there is nothing to take back.
package struct UndoJournal: Sendable {
    package struct Entry: Hashable, Sendable, Codable {
        /// In the order in which they are to be done.
        package var undo: [NetworkStep]
        /// The running configuration before the change: canonical attributes by name.
        package var networks: [String: JSONValue]

        package init(undo: [NetworkStep], networks: [String: JSONValue]) {
            (self.undo, self.networks) = (undo, networks)
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

    /// The change that was not finished; `nil` when there is none.
    package func read() throws -> Entry? {
        guard let bytes = try directory.read(Self.name) else { return nil }
        return try JSONText.decode(Entry.self, from: ByteBuffer(bytes: bytes))
    }

    /// The change is finished, one way or the other.
    package func clear() throws { try directory.remove(Self.name) }
}
