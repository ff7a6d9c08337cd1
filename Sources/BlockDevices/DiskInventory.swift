import Glibc
package import HostModel
package import SystemPackage

/// The disks of this machine as the kernel and their own bytes describe them.
package struct DiskInventory: Sendable {
    private let sysfs: FilePath
    private let devices: FilePath
    private let processes: FilePath
    /// Loop devices are disks too; their file's name is their serial number. For tests.
    private let withLoops: Bool

    /// Devices of the kernel's own making, and drives whose media cannot be installed to.
    private static let virtual = ["loop", "ram", "zram", "dm-", "md", "nbd", "sr", "fd", "mtd"]
    private static let textBytesMax = 4096
    private static let tableBytesMax = 1 << 20

    package init(
        sysfs: FilePath = "/sys/block",
        devices: FilePath = "/dev",
        processes: FilePath = "/proc",
        withLoops: Bool = false
    ) {
        (self.sysfs, self.devices, self.processes, self.withLoops) = (sysfs, devices, processes, withLoops)
    }

    package func disks() -> [DiskReport] {
        let busy = busyNumbers()
        return Self.names(in: sysfs).filter(isDisk).compactMap { report($0, busy) }
    }

    /// The file of a disk.
    package func device(_ name: String) -> FilePath { devices.appending(name) }

    /// The disk with this GUID in its partition table; of several copies the one that is in use. `nil` for none, and where
    /// nobody can tell which is meant.
    package func disk(_ guid: GUID) -> String? {
        let disks = disks(guid)
        guard disks.count > 1 else { return disks.first }
        let busy = busyNumbers()
        let used = disks.filter { isInUse($0, busy) }
        return used.count == 1 ? used.first : nil
    }

    /// All disks with this GUID: more than one where a disk was copied byte by byte.
    package func disks(_ guid: GUID) -> [String] {
        Self.names(in: sysfs).filter(isDisk).filter { name in
            guard let device = try? DiskDevice(device(name), .reading) else { return false }
            return device.partitionTable()?.disk == guid
        }
    }

    /// `sda5`, for the fifth of `sda`; `nil` when the kernel does not have it.
    package func partition(_ number: Int, of disk: String) -> String? {
        Self.names(in: sysfs.appending(disk)).first { name in
            name.hasPrefix(disk) && text(sysfs.appending(disk).appending(name).appending("partition")) == String(number)
        }
    }

    private func isDisk(_ name: String) -> Bool {
        if withLoops, name.hasPrefix("loop") { return text(file(name, "loop/backing_file")) != nil }
        return !Self.virtual.contains { name.hasPrefix($0) }
    }

    private func report(_ name: String, _ busy: Set<String>) -> DiskReport? {
        let sectors = text(file(name, "size")).flatMap { Int64($0) } ?? 0
        guard sectors > 0 else { return nil }
        var disk = DiskReport(name: name, bytes: sectors * 512)
        disk.bus = bus(name)
        disk.model = [text(file(name, "device/vendor")), text(file(name, "device/model"))].compactMap { $0 }
            .filter { $0 != "ATA" && !$0.hasPrefix("0x") }.joined(separator: " ")
        disk.serial = serial(name)
        disk.wwn = wwn(name)
        disk.byID = linkByID(name) ?? Self.madeByID(disk)
        disk.removable = text(file(name, "removable")) == "1"
        disk.blockSize = text(file(name, "queue/logical_block_size")).flatMap { Int($0) } ?? 512
        disk.inUse = isInUse(name, busy)
        disk.contents = contents(name)
        return disk
    }

    // MARK: What it is

    private func serial(_ name: String) -> String {
        if name.hasPrefix("loop") {
            return text(file(name, "loop/backing_file")).map { FilePath($0).lastComponent?.string ?? "" } ?? ""
        }
        if let serial = text(file(name, "serial")) ?? text(file(name, "device/serial")) { return serial }
        // SCSI, page 0x80: four bytes of head, the serial number.
        let page = Self.bytes(file(name, "device/vpd_pg80"), limit: Self.textBytesMax)
        return page.count > 4 ? Self.trimmed(page.dropFirst(4)) ?? "" : ""
    }

    private func wwn(_ name: String) -> String {
        let text = text(file(name, "wwid")) ?? text(file(name, "device/wwid")) ?? ""
        if text.hasPrefix("naa.") { return "0x" + text.dropFirst(4) }
        return text.hasPrefix("eui.") ? text : ""
    }

    private func bus(_ name: String) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let place: String =
            realpath(sysfs.appending(name).string, &buffer) == nil
            ? "" : String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let known = [
            ("/nvme", "nvme"), ("/usb", "usb"), ("/ata", "sata"), ("/end_device-", "sas"), ("/mmc", "mmc"),
            ("/virtio", "virtio"), ("/loop", "loop"), ("/host", "scsi"),
        ]
        return known.first { place.contains($0.0) }?.1 ?? "other"
    }

    private func linkByID(_ name: String) -> String? {
        let folder = devices.appending("disk/by-id")
        let links = Self.names(in: folder).filter { link in
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink(folder.appending(link).string, &buffer, buffer.count)
            let target = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return target.split(separator: "/").last.map(String.init) == name
        }
        return links.first { !$0.hasPrefix("wwn-") && !$0.hasPrefix("nvme-eui.") } ?? links.first
    }

    /// udev's name, where there is no udev.
    private static func madeByID(_ disk: DiskReport) -> String {
        guard !disk.serial.isEmpty else { return disk.wwn.isEmpty ? "" : "wwn-\(disk.wwn)" }
        let model = disk.bus == "virtio" ? "" : disk.model
        let parts = [model, disk.serial].filter { !$0.isEmpty }.joined(separator: "_")
        let prefix = ["sata": "ata", "sas": "scsi", "other": "disk"][disk.bus] ?? disk.bus
        return "\(prefix)-" + String(parts.map { $0.isWhitespace || $0 == "/" ? "_" : $0 })
    }

    // MARK: What is on it

    private func contents(_ name: String) -> [String] {
        guard let device = try? DiskDevice(device(name), .reading) else { return ["it cannot be read"] }
        func names(_ offset: Int64, _ size: Int64) -> [String] {
            DiskSignature.names(size: size) { (try? device.read(at: offset + $0, count: $1)) ?? [] }
        }
        var found = names(0, device.size)
        var partitions: [(Int, Int64, Int64)] = []
        if let table = device.partitionTable() {
            found.insert("GPT with \(table.partitions.count) partitions", at: 0)
            partitions = table.partitions.enumerated().map {
                let sectors = $0.element.sectors
                return ($0.offset + 1, sectors.lowerBound * table.sector, Int64(sectors.count) * table.sector)
            }
        } else if let table = MasterBootRecord((try? device.read(at: 0, count: 1024)) ?? []) {
            found.insert(table.isProtective ? "GPT, damaged" : "MBR with \(table.partitions.count) partitions", at: 0)
            partitions = table.partitions.enumerated().map {
                ($0.offset + 1, $0.element.lowerBound, Int64($0.element.count))
            }
        }
        for (number, start, size) in partitions where start < device.size {
            found += names(start, min(size, device.size - start)).map { "\($0) on partition \(number)" }
        }
        let isBlank = DeviceWindow(size: device.size) { (try? device.read(at: $0, count: $1)) ?? [1] }.isBlank
        return found.isEmpty && !isBlank ? ["data of a kind that is not known"] : found
    }

    // MARK: Who uses it

    private func isInUse(_ name: String, _ busy: Set<String>) -> Bool {
        let parts = [name] + Self.names(in: sysfs.appending(name)).filter { $0.hasPrefix(name) }
        return parts.contains { part in
            let place = part == name ? sysfs.appending(name) : sysfs.appending(name).appending(part)
            if !Self.names(in: place.appending("holders")).isEmpty { return true }
            return text(place.appending("dev")).map(busy.contains) ?? false
        }
    }

    /// `8:1` of every device that is mounted or swapped to.
    private func busyNumbers() -> Set<String> {
        var numbers: Set<String> = []
        for line in Self.lines(processes.appending("self/mountinfo")) {
            let fields = line.split(separator: " ")
            if fields.count > 2 { numbers.insert(String(fields[2])) }
        }
        for line in Self.lines(processes.appending("swaps")).dropFirst() {
            guard let path = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first else { continue }
            var status = stat()
            guard stat(String(path), &status) == 0 else { continue }
            let number = status.st_rdev
            let major = number >> 8 & 0xFFF | number >> 32 & ~0xFFF
            numbers.insert("\(major):\(number & 0xFF | number >> 12 & ~0xFF)")
        }
        return numbers
    }

    // MARK: Files

    private func file(_ name: String, _ rest: String) -> FilePath { sysfs.appending(name).pushing(FilePath(rest)) }

    private func text(_ path: FilePath) -> String? { Self.trimmed(Self.bytes(path, limit: Self.textBytesMax)[...]) }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return text.isEmpty ? nil : text
    }

    private static func lines(_ path: FilePath) -> [Substring] {
        String(decoding: bytes(path, limit: tableBytesMax), as: UTF8.self).split(separator: "\n")
    }

    private static func bytes(_ path: FilePath, limit: Int) -> [UInt8] {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < limit {
            let got = read(descriptor, &chunk, min(chunk.count, limit - bytes.count))
            guard got > 0 else { break }
            bytes += chunk.prefix(got)
        }
        return bytes
    }

    private static func names(in path: FilePath) -> [String] {
        guard let directory = opendir(path.string) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
