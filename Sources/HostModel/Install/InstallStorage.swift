/// The disks that one machine is installed on, and what becomes of them.
package struct InstallStorage: Hashable, Sendable, Codable {
    /// How the file systems lie.
    package enum Layout: String, CaseIterable, Hashable, Sendable, Codable {
        /// Partitions, without LVM; on one disk or on a RAID.
        case partitions
        /// One volume group, the root on a plain logical volume.
        case lvm
        /// oVirt's: a thin pool of at least 40 GiB with a volume for each of /, /var, /var/crash, /var/log,
        /// /var/log/audit, /home and /tmp.
        case thinLVM = "thin_lvm"
    }

    /// Linux software RAID over all the disks. /boot is a mirror at every level: firmware and boot loader read it.
    package enum RAID: Int, CaseIterable, Hashable, Sendable, Codable {
        case stripe = 0
        case mirror = 1
        case parity = 5
        case doubleParity = 6
        case stripedMirror = 10

        package var disksMin: Int {
            switch self {
            case .stripe, .mirror: 2
            case .parity: 3
            case .doubleParity, .stripedMirror: 4
            }
        }
    }

    /// 1 to `disksMax`, none twice. Without a RAID the first is the one that boots.
    package private(set) var disks: [DiskLink]
    /// `nil`: none.
    package private(set) var raid: RAID?
    package private(set) var layout: Layout
    /// True to lose what is on these disks. Without it a disk that holds anything stops the installation.
    package private(set) var wipe: Bool

    package static let disksMax = 16

    /// `nil` when there are no or too many disks, one is there twice, there are fewer than the RAID needs, or more than
    /// one without RAID and LVM.
    package init?(disks: [DiskLink], raid: RAID? = nil, layout: Layout = .lvm, wipe: Bool = false) {
        (self.disks, self.raid, self.layout, self.wipe) = (disks, raid, layout, wipe)
        guard Self.reasonToRefuse(disks, raid, layout) == nil else { return nil }
    }

    private static func reasonToRefuse(_ disks: [DiskLink], _ raid: RAID?, _ layout: Layout) -> String? {
        guard (1...disksMax).contains(disks.count) else { return "expected 1 to \(disksMax) disks" }
        guard Set(disks).count == disks.count else { return "a disk is named twice" }
        if let raid {
            return disks.count < raid.disksMin ? "RAID \(raid.rawValue) needs \(raid.disksMin) disks" : nil
        }
        return layout == .partitions && disks.count > 1 ? "partitions without RAID take one disk" : nil
    }

    private enum CodingKeys: String, CodingKey {
        case disks
        case raid
        case layout
        case wipe
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        disks = try container.decode([DiskLink].self, forKey: .disks)
        raid = try container.decodeIfPresent(RAID.self, forKey: .raid)
        layout = try container.decodeIfPresent(Layout.self, forKey: .layout) ?? .lvm
        wipe = try container.decodeIfPresent(Bool.self, forKey: .wipe) ?? false
        if let reason = Self.reasonToRefuse(disks, raid, layout) {
            throw DecodingError.dataCorruptedError(forKey: .disks, in: container, debugDescription: reason)
        }
    }
}
