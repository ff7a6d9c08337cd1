import HostModel

/// The storage commands of a kickstart: which disks, what is cleared, and how the file systems lie on them.
///
/// Every command that touches a disk names it. Sizes are in MiB.
struct KickstartStorage {
    let storage: InstallStorage
    let firmware: BootFirmware

    static let espSize = 600
    static let bootSize = 1024
    static let swapSize = 4096
    static let rootSize = 10240
    /// oVirt asks for a pool of 40 GiB at least, and for room beside it for the pool's own data.
    static let poolSize = 40960
    static let poolGroupSize = 45056
    static let volumeGroup = "host"

    /// oVirt's volumes (NIST SP 800-53 wants them apart): name, mount point, size. They share the pool.
    static let thinVolumes: [(name: String, mount: String, size: Int)] = [
        ("root", "/", 6144), ("var", "/var", 15360), ("var_crash", "/var/crash", 10240), ("var_log", "/var/log", 8192),
        ("var_log_audit", "/var/log/audit", 2048), ("home", "/home", 1024), ("tmp", "/tmp", 1024),
    ]

    private var paths: [String] { storage.disks.map(\.path) }
    private var isUEFI: Bool { firmware != .bios }

    func commands() -> [[String]] {
        let all = paths.joined(separator: ",")
        let clear = [
            "clearpart", storage.wipe ? "--all" : "--none", "--initlabel", "--disklabel=gpt", "--drives=\(all)",
        ]
        var lines = [["ignoredisk", "--only-use=\(all)"]]
        // Anaconda takes a disk without a label by `zerombr` alone; `%pre` has stopped before one that is not empty.
        lines += [["zerombr"], clear, ["bootloader", "--location=mbr", "--boot-drive=\(paths[0])"]]
        lines += storage.raid.map(raid) ?? plain()
        return lines + volumes()
    }

    // MARK: Without RAID

    private func plain() -> [[String]] {
        let disk = "--ondisk=\(paths[0])"
        var lines = [
            isUEFI
                ? ["part", "/boot/efi", "--fstype=efi", "--size=\(Self.espSize)", disk]
                : ["part", "biosboot", "--fstype=biosboot", "--size=1", disk],
            ["part", "/boot", "--fstype=xfs", "--size=\(Self.bootSize)", disk],
        ]
        guard storage.layout != .partitions else {
            return lines + [
                ["part", "swap", "--fstype=swap", "--size=\(Self.swapSize)", disk],
                ["part", "/", "--fstype=xfs", "--size=\(Self.rootSize)", "--grow", disk],
            ]
        }
        for (index, path) in paths.enumerated() {
            let size = index == 0 ? groupSize : 1024
            lines.append(["part", "pv.\(index)", "--size=\(size)", "--grow", "--ondisk=\(path)"])
        }
        return lines
    }

    private var groupSize: Int {
        storage.layout == .thinLVM ? Self.poolGroupSize : Self.rootSize + Self.swapSize + 1024
    }

    // MARK: RAID

    private func raid(_ level: InstallStorage.RAID) -> [[String]] {
        var lines: [[String]] = []
        for (index, path) in paths.enumerated() {
            let disk = "--ondisk=\(path)"
            if isUEFI {
                lines.append(["part", "raid.1\(index)", "--size=\(Self.espSize)", disk])
            } else if index == 0 {
                // pykickstart takes one partition of this name: firmware without UEFI starts from the first disk.
                lines.append(["part", "biosboot", "--fstype=biosboot", "--size=1", disk])
            }
            lines += [
                ["part", "raid.2\(index)", "--size=\(Self.bootSize)", disk],
                ["part", "raid.3\(index)", "--size=\(shareOfGroup(level))", "--grow", disk],
            ]
        }
        if isUEFI { lines.append(array("/boot/efi", "efi", "boot_efi", .mirror, 1)) }
        lines.append(array("/boot", "xfs", "boot", .mirror, 2))
        lines.append(
            storage.layout == .partitions
                ? array("/", "xfs", "root", level, 3)
                : ["raid", "pv.0", "--device=pv", "--level=RAID\(level.rawValue)"]
                    + members(3)
        )
        return lines
    }

    /// What each disk gives to the array, so that the array is large enough.
    private func shareOfGroup(_ level: InstallStorage.RAID) -> Int {
        let count = storage.disks.count
        let dataDisks =
            switch level {
            case .stripe: count
            case .mirror: 1
            case .parity: count - 1
            case .doubleParity: count - 2
            case .stripedMirror: count / 2
            }
        return groupSize / dataDisks + 256
    }

    private func array(
        _ mount: String,
        _ type: String,
        _ device: String,
        _ level: InstallStorage.RAID,
        _ part: Int
    ) -> [String] {
        ["raid", mount, "--fstype=\(type)", "--device=\(device)", "--level=RAID\(level.rawValue)"] + members(part)
    }

    private func members(_ part: Int) -> [String] { paths.indices.map { "raid.\(part)\($0)" } }

    // MARK: Volumes

    private func volumes() -> [[String]] {
        let group = "--vgname=\(Self.volumeGroup)"
        let parts = storage.raid == nil ? paths.indices.map { "pv.\($0)" } : ["pv.0"]
        let head = [["volgroup", Self.volumeGroup] + parts]
        let swap = ["logvol", "swap", group, "--name=swap", "--fstype=swap", "--size=\(Self.swapSize)"]
        switch storage.layout {
        case .partitions: return []
        case .lvm:
            let root = ["logvol", "/", group, "--name=root", "--fstype=xfs", "--size=\(Self.rootSize)", "--grow"]
            return head + [swap, root]
        case .thinLVM:
            let pool = ["logvol", "none", group, "--name=pool00", "--thinpool", "--size=\(Self.poolSize)", "--grow"]
            let thin = Self.thinVolumes.map { volume in
                [
                    "logvol", volume.mount, group, "--name=\(volume.name)", "--thin", "--poolname=pool00",
                    "--fstype=xfs", "--fsoptions=defaults,discard", "--size=\(volume.size)",
                ] + (volume.mount == "/" ? ["--grow"] : [])
            }
            return head + [pool] + thin
        }
    }
}
