/// One entry's header, as a reader gives it and a `TarWriter` takes it.
package struct ArchiveEntry: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file(size: Int64)
        case directory
        case symbolicLink(target: String)
        /// Another name of an entry that came before, or that carries the content later (cpio).
        case hardLink(target: TreePath)
        /// Devices, pipes and sockets: listed, never made.
        case other
    }

    /// Extended attributes of one entry that are kept; what comes after is left out.
    package static let mostAttributes = 64

    package var path: TreePath
    package var kind: Kind
    /// Permission bits, set-id bits included.
    package var mode: UInt16
    /// Seconds since 1970.
    package var modified: Int64
    package var user: Int64
    package var group: Int64
    package var owner: (user: Int64, group: Int64) { (user, group) }
    /// Extended attributes by name: `security.capability`.
    package var attributes: [String: [UInt8]]
    /// An access control list with more than the permission bits; it is not read, and no writer here has a place for it.
    package var hasAccessControlList: Bool

    package init(
        path: TreePath,
        kind: Kind,
        mode: UInt16,
        modified: Int64 = 0,
        user: Int64 = 0,
        group: Int64 = 0,
        attributes: [String: [UInt8]] = [:],
        hasAccessControlList: Bool = false
    ) {
        (self.path, self.kind, self.mode, self.modified) = (path, kind, mode, modified)
        (self.user, self.group, self.attributes) = (user, group, attributes)
        self.hasAccessControlList = hasAccessControlList
    }
}
