/// A disk of a node, as `muster-agent disks` tells it. All text in it comes from hardware or from what somebody wrote on
/// it: hostile. What a node does not tell keeps its default, so that an older or a newer one is understood.
package struct NodeDisk: Hashable, Sendable, Codable {
    /// `sda`, `nvme0n1`: good until the next boot.
    package var name = HostileText("")
    /// Its name under `/dev/disk/by-id`.
    package var byID = HostileText("")
    package var serial = HostileText("")
    package var wwn = HostileText("")
    package var bytes: Int64 = 0
    package var model = HostileText("")
    /// `sata`, `nvme`, `usb`, `virtio` …
    package var bus = HostileText("")
    package var isRemovable = false
    /// Mounted, or held by device-mapper, RAID or swap.
    package var isInUse = false
    /// What is on it, in words: `GPT with 5 partitions`, `LUKS`. Empty for an empty disk.
    package var contents: [HostileText] = []
    /// What Muster wrote on it; `nil` where nothing is of ours.
    package var muster: Installed?

    /// An installation of ours.
    package struct Installed: Hashable, Sendable, Codable {
        /// The disk's GUID.
        package var guid = HostileText("")
        /// `a` and `b`.
        package var slots: [String: ImageSlot] = [:]
        /// The slot that the node runs from; `nil` when it runs from elsewhere.
        package var running: String?

        package init() {}
    }

    package init() {}

    /// The most that is kept of what one disk holds, and of the disks of one node.
    package static let contentsMax = 32
    package static let countMax = 256

    private enum CodingKeys: String, CodingKey {
        case name, byID, serial, wwn, bytes, model, bus
        case isRemovable = "removable"
        case isInUse = "inUse"
        case contents, muster
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> HostileText {
            try values.decodeIfPresent(HostileText.self, forKey: key) ?? HostileText("")
        }
        (name, byID, serial) = (try text(.name), try text(.byID), try text(.serial))
        (wwn, model, bus) = (try text(.wwn), try text(.model), try text(.bus))
        bytes = max(0, try values.decodeIfPresent(Int64.self, forKey: .bytes) ?? 0)
        isRemovable = try values.decodeIfPresent(Bool.self, forKey: .isRemovable) ?? false
        isInUse = try values.decodeIfPresent(Bool.self, forKey: .isInUse) ?? false
        contents = Array(
            try (values.decodeIfPresent([HostileText].self, forKey: .contents) ?? []).prefix(Self.contentsMax)
        )
        muster = try values.decodeIfPresent(Installed.self, forKey: .muster)
    }
}

extension NodeDisk.Installed {
    private enum CodingKeys: String, CodingKey { case guid, slots, running }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        guid = try values.decodeIfPresent(HostileText.self, forKey: .guid) ?? HostileText("")
        let all = try values.decodeIfPresent([String: ImageSlot].self, forKey: .slots) ?? [:]
        slots = all.filter { ImageSlot.names.contains($0.key) }
        running = try values.decodeIfPresent(String.self, forKey: .running).flatMap { slots[$0] == nil ? nil : $0 }
    }
}

/// One of the two places on a disk that hold an image.
package struct ImageSlot: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable {
        /// Known to come up.
        case good
        /// Written, and about to be tried or being tried.
        case trial
        case empty
        /// A write that did not end.
        case unfinished
        /// Tried, and it did not come up.
        case failed
        /// What this version has no name for.
        case unknown
    }

    package var name = HostileText("")
    package var version = HostileText("")
    package var state = State.unknown

    package static let names: Set<String> = ["a", "b"]

    package init(name: HostileText = HostileText(""), version: HostileText = HostileText(""), state: State = .unknown) {
        (self.name, self.version, self.state) = (name, version, state)
    }

    private enum CodingKeys: String, CodingKey { case name, version, state }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decodeIfPresent(HostileText.self, forKey: .name) ?? HostileText("")
        version = try values.decodeIfPresent(HostileText.self, forKey: .version) ?? HostileText("")
        state = try values.decodeIfPresent(String.self, forKey: .state).flatMap(State.init) ?? .unknown
    }
}
