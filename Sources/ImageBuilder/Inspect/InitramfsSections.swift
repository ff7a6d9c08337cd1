import Archive
import Crypto
package import HostModel

/// One file of an image's content.
package struct ListedFile: Hashable, Sendable, Codable {
    /// Without a `/` in front.
    package var path: String
    /// Bytes, unpacked.
    package var size: Int64
    /// SHA-256 of the content; `nil` where it was not read.
    package var sha256: Nonce?

    package init(path: String, size: Int64, sha256: Nonce? = nil) {
        (self.path, self.size, self.sha256) = (path, size, sha256)
    }

    var isModule: Bool { path.contains("lib/modules/") && path.contains(/\.ko(\.[a-z0-9]+)?$/) }
}

/// The archives of an initramfs, one after the other as the kernel unpacks them: uncompressed ones by their trailer, those
/// of zstd by their frame (RFC 8878). Behind one of another compression no border can be seen, so it is taken for the last.
struct InitramfsSections {
    struct Section {
        var compression: String
        var offset: Int
        /// Bytes in the image.
        var size: Int
    }

    /// The largest file of an archive that is read, in bytes.
    private static let fileBytesMax = 1 << 30

    let sections: [Section]
    private let bytes: [UInt8]

    /// Throws `BuildError` for bytes that the kernel would not take either.
    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        var sections: [Section] = []
        var position = 0
        while let start = bytes[position...].firstIndex(where: { $0 != 0 }) {
            let rest = bytes[start...]
            let (name, end): (String, Int?)
            if rest.starts(with: "070701".utf8) {
                (name, end) = ("none", NewcArchive.end(in: bytes, from: start))
            } else if rest.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
                (name, end) = ("zstd", Self.zstdEnd(bytes, start))
            } else if let known = Self.others.first(where: { rest.starts(with: $0.magic) }) {
                (name, end) = (known.name, bytes.count)
            } else {
                throw Self.unreadable("at byte \(start) there is neither an archive nor a compression that is known")
            }
            guard let end else { throw Self.unreadable("the archive at byte \(start) is damaged or cut off") }
            sections.append(Section(compression: name, offset: start, size: end - start))
            position = end
        }
        self.sections = sections
    }

    /// The plain files of a section. With `hashing` their content is read too.
    func files(of section: Section, hashing: Bool) throws -> [ListedFile] {
        let piece = Array(bytes[section.offset..<section.offset + section.size])
        var reader = try ArchiveReader.open(bytes: piece, name: "initramfs, byte \(section.offset)")
        var files: [ListedFile] = []
        while let entry = try reader.nextEntry() {
            guard case .file(let size) = entry.kind else { continue }
            var digest: Nonce?
            if hashing {
                digest = Nonce(bytes: Array(SHA256.hash(data: try reader.readContent(limit: Self.fileBytesMax))))
            }
            files.append(ListedFile(path: entry.path.text, size: size, sha256: digest))
        }
        return files
    }

    private static let others: [(name: String, magic: [UInt8])] = [
        ("gzip", [0x1F, 0x8B]), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A]), ("lz4", [0x02, 0x21, 0x4C, 0x18]),
        ("bzip2", [0x42, 0x5A, 0x68]), ("lzma", [0x5D, 0, 0]),
    ]

    /// Behind the last block of a frame and its checksum; `nil` when the frame is cut off.
    private static func zstdEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
        guard start + 5 < bytes.count else { return nil }
        let descriptor = bytes[start + 4]
        let isSingle = descriptor & 0x20 != 0
        let contentSize = [isSingle ? 1 : 0, 2, 4, 8][Int(descriptor >> 6)]
        var position = start + 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][Int(descriptor & 3)] + contentSize
        while position + 3 <= bytes.count {
            let header = bytes.little16(position) | Int(bytes[position + 2]) << 16
            let size = (header >> 1) & 3 == 1 ? 1 : header >> 3
            position += 3 + size
            guard header & 1 == 1 else { continue }
            let end = position + (descriptor & 4 != 0 ? 4 : 0)
            return end <= bytes.count ? end : nil
        }
        return nil
    }

    private static func unreadable(_ reason: String) -> BuildError {
        BuildError(.image, "the initramfs cannot be read: \(reason)", remedy: "fetch or build it again")
    }
}
