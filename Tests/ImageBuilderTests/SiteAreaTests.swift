import Archive
import Glibc
import HostModel
import SystemPackage
import Testing

@testable import ImageBuilder

/// Reading areas out of images is a pure value: bytes in, a place out. The images are made by the tools that others use.
@Suite struct SiteAreaTests {
    @Test("the area is found where the file begins", arguments: MediumWithSite.Kind.allCases)
    func found(kind: MediumWithSite.Kind) async throws {
        let medium = try await MediumWithSite(kind)
        let bytes = try medium.bytes()
        let area = try SiteArea.find(in: ByteSource(bytes))
        #expect(area.size == MediumWithSite.areaSize)
        #expect(area.offset == medium.mark(in: bytes))
    }

    @Test("an initramfs is extended at a multiple of four", arguments: [0, 1, 2, 3])
    func appended(odd: Int) throws {
        let bytes = NewcArchive.encode(FileTree()) + [UInt8](repeating: 7, count: odd)
        let area = try SiteArea.find(in: ByteSource(bytes))
        #expect(area == SiteArea(place: .appended, offset: Int64((bytes.count + 3) & ~3), size: SiteArea.appendedSize))
    }

    @Test("case 46: an image that was cut off is refused", arguments: MediumWithSite.Kind.allCases)
    func cutOff(kind: MediumWithSite.Kind) async throws {
        let medium = try await MediumWithSite(kind)
        let bytes = try medium.bytes()
        for count in [bytes.count - 2048, bytes.count / 2, 40_000, 2048, 100, 0] {
            #expect(throws: BuildError.self, "\(count) bytes") {
                try SiteArea.find(in: ByteSource(Array(bytes.prefix(count))))
            }
        }
    }

    /// Every byte of the structures changed: the same area, or an error; never another place without a word, and no crash.
    @Test("changed bytes of the structures", arguments: MediumWithSite.Kind.allCases)
    func changed(kind: MediumWithSite.Kind) async throws {
        let medium = try await MediumWithSite(kind)
        var bytes = try medium.bytes()
        let structures = medium.structures(of: bytes)
        for index in structures {
            let change: UInt8 = index % 2 == 0 ? 0xFF : 0x01
            bytes[index] ^= change
            if let area = try? SiteArea.find(in: ByteSource(bytes)) {
                #expect(area.offset >= 0 && area.offset + Int64(area.size) <= Int64(bytes.count + area.size + 4))
            }
            bytes[index] ^= change
        }
    }

    @Test func whatHasNoAreaIsAnError() async throws {
        let scratch = try Scratch("no-area")
        _ = try scratch.write([1], to: "file")
        let iso = scratch.file("plain.iso").string
        _ = try await output(of: "xorriso", ["-as", "mkisofs", "-quiet", "-R", "-o", iso, scratch.file("file").string])
        let error = #expect(throws: BuildError.self) { try SiteImage(scratch.file("plain.iso")) }
        #expect(error?.message.contains("/muster/site.img") == true)
        #expect(throws: BuildError.self) { try SiteImage(scratch.file("file")) }
        #expect(throws: BuildError.self) { try SiteImage(scratch.file("none")) }
    }
}

/// A medium with `/muster/site.img`, whose first bytes are a mark while it is looked for.
struct MediumWithSite {
    enum Kind: String, CaseIterable {
        case iso
        case hybridISO
        case fat16
        case fat32
    }

    static let areaSize = 256 << 10
    private static let mark = Array("MUSTER-SITE-TEST".utf8)
    let scratch: Scratch
    let path: FilePath
    private let kind: Kind

    /// `isMarked` leaves the mark in the area; otherwise it is zeros, as a builder leaves it.
    init(_ kind: Kind, isMarked: Bool = true) async throws {
        self.kind = kind
        scratch = try Scratch("medium")
        path = scratch.file("medium.img")
        _ = try await output(of: "mkdir", ["-p", scratch.file("tree/muster").string, scratch.file("tree/boot").string])
        let area = (isMarked ? Self.mark : []) + [UInt8](repeating: 0, count: Self.areaSize)
        _ = try scratch.write(Array(area.prefix(Self.areaSize)), to: "tree/muster/site.img")
        _ = try scratch.write([UInt8](repeating: 3, count: 70_000), to: "tree/muster/initramfs.zst")
        _ = try scratch.write([UInt8](repeating: 4, count: 5000), to: "tree/boot/a file with a long name")
        switch kind {
        case .iso, .hybridISO: try await makeISO()
        case .fat16, .fat32: try await makeDisk(sectors: kind == .fat16 ? 40_960 : 81_920)
        }
    }

    func bytes() throws -> [UInt8] { try scratch.bytes("medium.img") }

    func mark(in bytes: [UInt8]) -> Int64? { bytes.firstRange(of: Self.mark).map { Int64($0.lowerBound) } }

    /// The bytes that say where files are.
    func structures(of bytes: [UInt8]) -> [Int] {
        switch kind {
        case .iso, .hybridISO: Array(512..<512 + 92) + Array(32_768..<32_768 + 200) + Array(19 * 2048..<22 * 2048)
        case .fat16, .fat32: Array(512..<512 + 92) + Array(1024..<1024 + 128) + Array(1 << 20..<(1 << 20) + 96)
        }
    }

    private func makeISO() async throws {
        var arguments = ["-as", "mkisofs", "-quiet", "-R", "-V", "NODE_TEST", "-o", path.string]
        if kind == .hybridISO {
            _ = try scratch.write([UInt8](repeating: 5, count: 1 << 20), to: "esp")
            arguments += ["-append_partition", "2", "0xef", scratch.file("esp").string, "-appended_part_as_gpt"]
        }
        _ = try await output(of: "xorriso", arguments + [scratch.file("tree").string])
    }

    private func makeDisk(sectors: Int) async throws {
        let disk = path.string
        _ = try await output(of: "truncate", ["-s", String((sectors + 4096) * 512), disk])
        _ = try await output(of: "sgdisk", ["-n", "1:2048:+\(sectors / 2)K", "-t", "1:ef00", "-c", "1:ESP", disk])
        let volume = scratch.file("volume").string
        _ = try await output(of: "truncate", ["-s", String(sectors * 512), volume])
        _ = try await output(of: "mkfs.fat", (kind == .fat32 ? ["-F", "32"] : ["-F", "16"]) + [volume])
        for folder in ["boot", "muster"] {
            _ = try await output(of: "mcopy", ["-s", "-i", volume, scratch.file("tree/\(folder)").string, "::/"])
        }
        let arguments = ["if=\(volume)", "of=\(disk)", "bs=1M", "seek=1", "conv=notrunc", "status=none"]
        _ = try await output(of: "dd", arguments)
    }
}
