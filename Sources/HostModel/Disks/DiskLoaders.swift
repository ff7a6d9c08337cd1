/// What makes an installed disk boot: the file of role `loaders` beside an image, an uncompressed cpio archive (newc).
///
///     boot.img        440 bytes of code for the MBR
///     core.img        GRUB for BIOS, for a partition at 1 MiB
///     esp.size        bytes of the EFI system partition, in decimal
///     esp/OFFSET      what stands there, at a byte offset in 16 hex digits; everything else in it is zero
package struct DiskLoaders: Hashable, Sendable {
    /// The end of a sentence that begins with the archive.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    package struct Run: Hashable, Sendable {
        /// Bytes from the beginning of the partition.
        package var offset: Int64
        package var bytes: [UInt8]

        package init(offset: Int64, bytes: [UInt8]) { (self.offset, self.bytes) = (offset, bytes) }
    }

    package let boot: [UInt8]
    package let core: [UInt8]
    package let espSize: Int64
    /// In order, without overlap; the first begins at 0.
    package let esp: [Run]

    package static let bootName = "boot.img"
    package static let coreName = "core.img"
    package static let sizeName = "esp.size"
    package static let runPrefix = "esp/"
    /// Where GRUB's core stands on the disk, in sectors: its list of blocks is made for it.
    package static let coreSector: Int64 = 2048
    /// The largest archive read, in bytes.
    package static let bytesMax = 64 << 20
    private static let coreMax = 1 << 20
    private static let espMax: Int64 = 4 << 30

    package init(parsing bytes: [UInt8]) throws(Refusal) {
        var files: [String: [UInt8]] = [:]
        var reader = CpioEntries(bytes)
        while let entry = try reader.next() {
            guard files.updateValue(entry.content, forKey: entry.name) == nil else {
                throw Refusal(description: "it names \(terminalEscaped(entry.name)) twice")
            }
        }
        guard let boot = files[Self.bootName], boot.count == PartitionTable.codeSize,
            let core = files[Self.coreName], (512...Self.coreMax).contains(core.count),
            let size = files[Self.sizeName].flatMap({ Int64(String(decoding: $0, as: UTF8.self)) }),
            (1 << 20...Self.espMax).contains(size)
        else { throw Refusal(description: "a loader is missing in it") }
        var runs: [Run] = []
        for (name, content) in files where name.hasPrefix(Self.runPrefix) {
            let digits = name.dropFirst(Self.runPrefix.utf8.count)
            guard digits.utf8.count == 16, let offset = Int64(digits, radix: 16), offset >= 0 else {
                throw Refusal(description: "it has a file of the name \(terminalEscaped(name))")
            }
            runs.append(Run(offset: offset, bytes: content))
        }
        runs.sort { $0.offset < $1.offset }
        var end: Int64 = 0
        for run in runs {
            guard run.offset >= end, run.offset <= size - Int64(run.bytes.count) else {
                throw Refusal(description: "a part of its partition lies outside or twice")
            }
            end = run.offset + Int64(run.bytes.count)
        }
        guard let first = runs.first, first.offset == 0, first.bytes.count >= 512 else {
            throw Refusal(description: "its partition has no beginning")
        }
        (self.boot, self.core, espSize, esp) = (boot, core, size, runs)
    }

    /// `esp/0000000000100000`.
    package static func runName(offset: Int64) -> String {
        let digits = String(offset, radix: 16)
        return runPrefix + String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits
    }
}

/// The regular files of a cpio archive in the format newc (cpio(5)).
private struct CpioEntries {
    private let bytes: [UInt8]
    private var position = 0

    private static let headerSize = 110
    private static let nameMax = 64
    private static let kindMask = 0o170000
    private static let regular = 0o100000

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() throws(DiskLoaders.Refusal) -> (name: String, content: [UInt8])? {
        while true {
            guard bytes.count - position >= Self.headerSize else { throw Self.cutOff }
            let header = bytes[position..<position + Self.headerSize]
            guard header.starts(with: "070701".utf8) else {
                throw DiskLoaders.Refusal(description: "it is no cpio archive")
            }
            let mode = try number(1)
            let size = try number(6)
            let nameSize = try number(11)
            guard (2...Self.nameMax).contains(nameSize) else {
                throw DiskLoaders.Refusal(description: "a name in it is too long")
            }
            let start = (position + Self.headerSize + nameSize + 3) & ~3
            guard size <= bytes.count, start <= bytes.count - size else { throw Self.cutOff }
            let nameStart = position + Self.headerSize
            let name = String(decoding: bytes[nameStart..<nameStart + nameSize - 1], as: UTF8.self)
            position = min((start + size + 3) & ~3, bytes.count)
            if name == "TRAILER!!!" { return nil }
            if mode & Self.kindMask == Self.regular { return (name, Array(bytes[start..<start + size])) }
        }
    }

    /// The `index`-th field of eight hex digits.
    private func number(_ index: Int) throws(DiskLoaders.Refusal) -> Int {
        let start = position + 6 + index * 8
        let digits = String(decoding: bytes[start..<start + 8], as: UTF8.self)
        guard let number = UInt32(digits, radix: 16), digits.utf8.count == 8 else { throw Self.cutOff }
        return Int(number)
    }

    private static let cutOff = DiskLoaders.Refusal(description: "it is cut off or damaged")
}
