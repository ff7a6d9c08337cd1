/// Finds files in a FAT file system (Microsoft's FAT specification 1.03) by their short or long names, whatever the case.
struct FATDirectory {
    private let source: ByteSource
    private let start: Int64
    private let sectorSize: Int64
    private let clusterSize: Int64
    private let tableOffset: Int64
    private let tableSize: Int64
    private let dataOffset: Int64
    private let clusters: Int64
    /// The root folder of FAT12 and FAT16, which has a place of its own; `nil` for FAT32.
    private let fixedRoot: (offset: Int64, size: Int64)?
    private let rootCluster: Int64
    private let entryBits: Int

    /// The largest folder read, and the longest chain of clusters followed.
    private static let folderBytesMax = 4 << 20
    private static let chainMax = 1 << 20

    /// `nil` when there is no FAT at that offset. `size` is what the partition has, in bytes.
    init?(_ source: ByteSource, at start: Int64, size: Int64) throws {
        guard size >= 512, let boot = try? source.bytes(at: start, count: 512), boot.little16(510) == 0xAA55 else {
            return nil
        }
        let (sectorSize, perCluster) = (Int64(boot.little16(11)), Int64(boot[13]))
        let (reserved, tables, rootEntries) = (Int64(boot.little16(14)), Int64(boot[16]), Int64(boot.little16(17)))
        let tableSectors = boot.little16(22) != 0 ? Int64(boot.little16(22)) : boot.little32(36)
        let sectors = boot.little16(19) != 0 ? Int64(boot.little16(19)) : boot.little32(32)
        guard [512, 1024, 2048, 4096].contains(sectorSize), perCluster > 0, perCluster & (perCluster - 1) == 0,
            reserved > 0, (1...2).contains(tables), tableSectors > 0, sectors * sectorSize <= size
        else { return nil }
        let rootSize = (rootEntries * 32 + sectorSize - 1) / sectorSize * sectorSize
        let rootOffset = start + (reserved + tables * tableSectors) * sectorSize
        (self.source, self.start, self.sectorSize) = (source, start, sectorSize)
        clusterSize = perCluster * sectorSize
        tableOffset = start + reserved * sectorSize
        tableSize = tableSectors * sectorSize
        dataOffset = rootOffset + rootSize
        clusters = (start + sectors * sectorSize - rootOffset - rootSize) / clusterSize
        entryBits = clusters < 4085 ? 12 : clusters < 65525 ? 16 : 32
        fixedRoot = entryBits == 32 ? nil : (rootOffset, rootSize)
        rootCluster = entryBits == 32 ? boot.little32(44) : 0
    }

    /// Where a file's bytes are: `nil` when it is not there, an offset of `nil` when it is not in one piece.
    func file(_ path: String) throws -> (offset: Int64?, size: Int64)? {
        var folder = try fixedRoot.map { try source.bytes(at: $0.offset, count: Int($0.size)) } ?? content(rootCluster)
        let names = path.split(separator: "/")
        for (depth, name) in names.enumerated() {
            guard let entry = Self.entry(named: name, in: folder) else { return nil }
            let cluster = Int64(entry.little16(26)) | (entryBits == 32 ? Int64(entry.little16(20)) << 16 : 0)
            let isFolder = entry[11] & 0x10 != 0
            guard depth == names.count - 1 else {
                guard isFolder else { return nil }
                folder = try content(cluster)
                continue
            }
            return isFolder ? nil : try place(cluster, size: entry.little32(28))
        }
        return nil
    }

    private func place(_ first: Int64, size: Int64) throws -> (offset: Int64?, size: Int64) {
        let chain = try chain(first)
        let isWhole = Int64(chain.count) * clusterSize >= size && !chain.isEmpty
        let isContiguous = zip(chain, chain.dropFirst()).allSatisfy { $1 == $0 + 1 }
        return (isWhole && isContiguous ? offset(first) : nil, size)
    }

    private func offset(_ cluster: Int64) -> Int64 { dataOffset + (cluster - 2) * clusterSize }

    private func content(_ first: Int64) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for cluster in try chain(first) {
            guard bytes.count <= Self.folderBytesMax else { throw damaged("a folder is too large") }
            bytes += try source.bytes(at: offset(cluster), count: Int(clusterSize))
        }
        return bytes
    }

    private func chain(_ first: Int64) throws -> [Int64] {
        var chain: [Int64] = []
        var cluster = first
        while (2..<clusters + 2).contains(cluster) {
            guard chain.count < Self.chainMax else { throw damaged("a chain of clusters has no end") }
            chain.append(cluster)
            cluster = try next(cluster)
        }
        return chain
    }

    private func next(_ cluster: Int64) throws -> Int64 {
        switch entryBits {
        case 32: return try source.bytes(at: tableOffset + cluster * 4, count: 4).little32(0) & 0x0FFF_FFFF
        case 16: return Int64(try source.bytes(at: tableOffset + cluster * 2, count: 2).little16(0))
        default:
            let pair = Int64(try source.bytes(at: tableOffset + cluster * 3 / 2, count: 2).little16(0))
            return cluster % 2 == 0 ? pair & 0xFFF : pair >> 4
        }
    }

    private func damaged(_ reason: String) -> BuildError {
        BuildError(.image, "the FAT file system is damaged: \(reason)", remedy: "fetch or build it again")
    }

    /// Attributes of an entry that holds a piece of a long name.
    private static let longName: UInt8 = 0x0F
    /// Where such an entry holds its 13 UTF-16 units.
    private static let longNameUnits =
        Array(stride(from: 1, to: 11, by: 2)) + Array(stride(from: 14, to: 26, by: 2)) + [28, 30]

    /// The 32 bytes of an entry; free ones (first byte 0xE5) and labels are passed over.
    private static func entry(named name: Substring, in folder: [UInt8]) -> [UInt8]? {
        let (short, long) = (shortName(name), Array(name.lowercased().utf16))
        // The pieces of a long name stand before its entry, the last one first.
        var units: [UInt16] = []
        for start in stride(from: 0, to: folder.count - 31, by: 32) {
            if folder[start] == 0 { return nil }
            let entry = Array(folder[start..<start + 32])
            if entry[0] != 0xE5, entry[11] & 0x3F == longName {
                units = longNameUnits.map { UInt16(entry.little16($0)) } + units
                continue
            }
            defer { units = [] }
            guard entry[0] != 0xE5, entry[11] & 0x08 == 0 else { continue }
            let found = String(decoding: units.prefix { $0 != 0 }, as: UTF16.self).lowercased()
            if entry[..<11].elementsEqual(short) || found.utf16.elementsEqual(long) { return entry }
        }
        return nil
    }

    /// `site.img` -> `SITE    IMG`.
    private static func shortName(_ name: Substring) -> [UInt8] {
        let parts = name.uppercased().split(separator: ".", maxSplits: 1)
        func padded(_ text: Substring?, _ count: Int) -> [UInt8] {
            let bytes = Array((text ?? "").utf8.prefix(count))
            return bytes + [UInt8](repeating: 32, count: count - bytes.count)
        }
        return padded(parts.first, 8) + padded(parts.dropFirst().first, 3)
    }
}
