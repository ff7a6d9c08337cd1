import Crypto
import Glibc
package import HostModel
package import SystemPackage

/// An image file into which a site's values can be put and out of which they can be taken, without a rebuild and without
/// touching a byte that is signed or hashed: a reserved area of zeros on media, a piece behind the end of an initramfs.
package struct SiteImage {
    package let path: FilePath
    let area: SiteArea
    /// The size without any appended values.
    private let originalSize: Int64
    private let content: SiteContent?
    /// True when there is something in the area that is not a site's.
    private let isDamaged: Bool

    /// Throws `BuildError` for what has no area, and for an image that was cut off.
    package init(_ path: FilePath) throws {
        do {
            let source = try ByteSource(path)
            area = try SiteArea.find(in: source)
            let isThere = area.offset + Int64(area.size) <= source.size
            let bytes = isThere ? try source.bytes(at: area.offset, count: area.size) : []
            content = SiteContent(bytes)
            isDamaged = content == nil && bytes.contains { $0 != 0 }
            let padding = area.place == .appended ? Int64(content?.padding ?? 0) : 0
            originalSize = area.place == .appended && content != nil ? area.offset - padding : source.size
            self.path = path
        } catch {
            throw BuildError(error, doing: "read \(path)")
        }
    }

    /// The values that are in it; `nil` when there are none.
    package var values: SiteValues? { content?.values }
    package var areaIsDamaged: Bool { isDamaged }
    /// Where the values are or would be: bytes from the beginning of the image, and the size of the area.
    package var areaOffset: Int64 { area.offset }
    package var areaSize: Int { area.size }

    /// The SHA-256 of the image without any values. Reads all of it.
    package func originalDigest() throws -> Nonce {
        var hash = SHA256()
        var position: Int64 = 0
        let hidden = area.offset..<(area.offset + Int64(area.size))
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        try forEachChunk(of: path) { chunk in
            let kept = min(Int64(chunk.count), max(0, originalSize - position))
            var at: Int64 = 0
            while at < kept {
                // Up to the area, in it, or behind it: one kind of bytes at a time.
                let place = position + at
                let isHidden = hidden.contains(place) && area.place != .appended
                let border = isHidden ? hidden.upperBound : place < hidden.lowerBound ? hidden.lowerBound : Int64.max
                let end = min(kept, border - position)
                let piece = UnsafeRawBufferPointer(rebasing: chunk[Int(at)..<Int(end)])
                if isHidden { hash.update(data: zeros.prefix(piece.count)) } else { hash.update(bufferPointer: piece) }
                at = end
            }
            position += Int64(chunk.count)
        }
        guard let digest = Nonce(bytes: Array(hash.finalize())) else { throw Errno.invalidArgument }
        return digest
    }

    /// Puts values in, in place of those that may be there.
    package func embed(_ values: SiteValues) throws {
        let padding = area.place == .appended ? Int((4 - originalSize % 4) % 4) : 0
        let content = SiteContent(values: values, original: try originalDigest(), padding: padding)
        guard let bytes = try content.encode(size: area.size) else {
            throw BuildError(
                .definition,
                "the site's values do not fit into the \(area.size >> 10) KiB of the image",
                remedy: "leave out the CA certificate and name its fingerprint instead"
            )
        }
        try write(bytes, padding: padding)
    }

    /// Takes the values out. Gives the SHA-256 of the result, which is what it was before the first `embed`; throws
    /// `BuildError` when it is not, after the area was emptied.
    package func reset() throws -> Nonce {
        try write(nil, padding: 0)
        let now = try SiteImage(path).originalDigest()
        if let original = content?.original, original != now {
            throw BuildError(
                .image,
                "the site's values are out, but \(path) is not what it was before: its SHA-256 is \(now), not \(original)",
                remedy: "something else has changed it; fetch or build it again"
            )
        }
        return now
    }

    /// `nil` empties the area.
    private func write(_ bytes: [UInt8]?, padding: Int) throws {
        do {
            switch area.place {
            case .reserved: try overwrite(bytes ?? [UInt8](repeating: 0, count: area.size))
            case .appended:
                try replaceEnd(bytes.map { [UInt8](repeating: 0, count: padding) + $0 } ?? [])
            }
        } catch {
            throw BuildError(error, doing: "write \(path)")
        }
    }

    /// In place: a medium may have gigabytes. Killed in the middle, the area is damaged and nothing else; `reset` mends it.
    private func overwrite(_ bytes: [UInt8]) throws {
        let file = try FileDescriptor.open(path, .readWrite, options: .closeOnExec)
        defer { try? file.close() }
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else { throw Errno(rawValue: errno) }
        _ = try file.writeAll(toAbsoluteOffset: area.offset, bytes)
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Beside its place, and renamed: the old image or the new one. A link keeps its place, the file that it names changes.
    private func replaceEnd(_ end: [UInt8]) throws {
        let target = try realPath(path)
        let new = FilePath(target.string + ".unfinished")
        defer { remove(new) }
        var status = stat()
        guard stat(target.string, &status) == 0 else { throw Errno(rawValue: errno) }
        let file = try FileDescriptor.open(
            new,
            .writeOnly,
            options: [.create, .truncate, .closeOnExec],
            permissions: FilePermissions(rawValue: status.st_mode & 0o777)
        )
        defer { try? file.close() }
        var left = originalSize
        try forEachChunk(of: target) { chunk in
            let kept = UnsafeRawBufferPointer(rebasing: chunk.prefix(Int(clamping: left)))
            left -= Int64(try file.writeAll(kept))
        }
        _ = try file.writeAll(end)
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
        try rename(new, to: target)
    }

    private func realPath(_ path: FilePath) throws -> FilePath {
        guard let resolved = realpath(path.string, nil) else { throw Errno(rawValue: errno) }
        defer { free(resolved) }
        return FilePath(String(cString: resolved))
    }
}
