import Archive

/// A small cpio archive in the newc format, in memory: what an initramfs takes as one more member. For a handful of files
/// of a site; `CpioWriter` writes the large ones.
enum NewcArchive {
    private static let magic = Array("070701".utf8)
    private static let headerSize = 110
    private static let trailer = "TRAILER!!!"
    /// The most entries read.
    private static let entriesMax = 64

    /// The archive with folders of mode 0755 and files of mode 0644, all root's, of the time 0.
    static func encode(_ tree: FileTree) -> [UInt8] {
        var bytes: [UInt8] = []
        var inode: UInt32 = 0
        for (path, node) in tree.sorted {
            inode += 1
            switch node {
            case .file(.bytes(let content), let mode):
                bytes += entry(path.text, mode: 0o100000 | UInt32(mode), inode, links: 1, content)
            case .directory(let mode):
                bytes += entry(path.text, mode: 0o040000 | UInt32(mode), inode, links: 2, [])
            default: preconditionFailure("a site has folders and files in memory, nothing else")
            }
        }
        return bytes + entry(trailer, mode: 0, 0, links: 1, [])
    }

    /// The plain files of an archive and the bytes that it takes, trailer included; `nil` when it is no archive of that kind
    /// or is cut off.
    static func decode(_ bytes: [UInt8]) -> (files: [String: [UInt8]], length: Int)? {
        var files: [String: [UInt8]] = [:]
        var position = 0
        for _ in 0..<entriesMax {
            guard position + headerSize <= bytes.count, bytes[position..<position + 6].elementsEqual(magic),
                let mode = field(1, bytes, position), let size = field(6, bytes, position),
                let nameSize = field(11, bytes, position), nameSize > 1, nameSize <= 4096
            else { return nil }
            let nameStart = position + headerSize
            let contentStart = padded(nameStart + nameSize)
            let end = contentStart + size
            guard padded(end) <= bytes.count, bytes[nameStart + nameSize - 1] == 0 else { return nil }
            let name = String(decoding: bytes[nameStart..<nameStart + nameSize - 1], as: UTF8.self)
            position = padded(end)
            if name == trailer { return (files, position) }
            if mode & 0o170000 == 0o100000 { files[name] = Array(bytes[contentStart..<end]) }
        }
        return nil
    }

    /// Behind the trailer of the archive that begins at `start`; `nil` when it is damaged or cut off.
    static func end(in bytes: [UInt8], from start: Int) -> Int? {
        // The paddings count from the archive's own beginning, which the kernel wants at a multiple of four.
        var position = start
        while position + headerSize <= bytes.count, bytes[position..<position + 6].elementsEqual(magic),
            let size = field(6, bytes, position), let nameSize = field(11, bytes, position), nameSize > 1
        {
            let name = position + headerSize
            let content = start + padded(name + nameSize - start)
            let end = start + padded(content + size - start)
            guard end <= bytes.count else { return nil }
            if bytes[name..<name + nameSize - 1].elementsEqual(trailer.utf8) { return end }
            position = end
        }
        return nil
    }

    private static func entry(
        _ name: String,
        mode: UInt32,
        _ inode: UInt32,
        links: UInt32,
        _ content: [UInt8]
    ) -> [UInt8] {
        let fields: [UInt32] = [
            inode, mode, 0, 0, links, 0, UInt32(content.count), 0, 0, 0, 0, UInt32(name.utf8.count + 1), 0,
        ]
        var bytes = magic
        for field in fields {
            let digits = String(field, radix: 16)
            bytes += [UInt8](repeating: UInt8(ascii: "0"), count: 8 - digits.utf8.count) + Array(digits.utf8)
        }
        bytes += Array(name.utf8) + [0]
        // Header and name are padded together; every entry begins on a multiple of four.
        bytes += [UInt8](repeating: 0, count: padded(bytes.count) - bytes.count)
        return bytes + content + [UInt8](repeating: 0, count: padded(content.count) - content.count)
    }

    private static func field(_ number: Int, _ bytes: [UInt8], _ position: Int) -> Int? {
        let start = position + magic.count + number * 8
        return Int(String(decoding: bytes[start..<start + 8], as: UTF8.self), radix: 16).flatMap { $0 < 0 ? nil : $0 }
    }

    private static func padded(_ count: Int) -> Int { (count + 3) & ~3 }
}
