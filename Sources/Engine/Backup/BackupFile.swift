import Crypto
import Foundation
import Glibc

/// A backup as a file: an SQLite database, and behind it one line with the SHA-256 of all before it. SQLite takes no notice
/// of what stands behind its last page.
struct BackupFile: Sendable {
    let path: String

    private static let mark = "muster-backup 1 sha256 "
    /// The mark, 64 digits and the end of the line.
    private static let trailerBytes = mark.utf8.count + 65
    private static let chunkBytes = 1 << 20

    /// Writes the line behind a database that is whole.
    func seal() throws(EngineError) {
        do {
            let digest = try digest(of: try size())
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            defer { try? file.close() }
            try file.seekToEnd()
            try file.write(contentsOf: Data("\(Self.mark)\(digest)\n".utf8))
            try file.synchronize()
        } catch let error as EngineError { throw error } catch { throw refusal(error) }
    }

    /// Writes the database alone to `target`, which is 0600. Throws where the file is no backup, or is damaged.
    func unseal(to target: String) throws(EngineError) {
        do {
            let size = try size() - Self.trailerBytes
            guard size > 0, let trailer = try trailer(at: size), trailer.hasPrefix(Self.mark) else {
                throw EngineError(
                    .invalid,
                    "\(path) is no backup of a muster-engine, or its end is missing.",
                    remedy: "Take a whole copy of what `muster-engine backup` wrote."
                )
            }
            let expected = trailer.dropFirst(Self.mark.count).dropLast()
            guard try digest(of: size, copyingTo: target) == expected else {
                unlink(target)
                throw EngineError(
                    .invalid,
                    "\(path) is damaged: its SHA-256 is not the one that stands in it.",
                    remedy: "Take another copy, or an older backup; nothing was changed."
                )
            }
        } catch let error as EngineError { throw error } catch { throw refusal(error) }
    }

    private func size() throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.size] as? NSNumber)?.intValue ?? 0
    }

    private func trailer(at offset: Int) throws -> String? {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        try file.seek(toOffset: UInt64(offset))
        return try file.read(upToCount: Self.trailerBytes).map { String(decoding: $0, as: UTF8.self) }
    }

    /// In lower-case hex, of the file's first bytes.
    private func digest(of bytes: Int, copyingTo target: String? = nil) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        var copy: FileHandle?
        if let target {
            unlink(target)
            try DurableFile.makePrivate(target)
            copy = try FileHandle(forWritingTo: URL(filePath: target))
        }
        defer { try? copy?.close() }
        var (hash, left) = (SHA256(), bytes)
        while left > 0, let chunk = try file.read(upToCount: min(left, Self.chunkBytes)), !chunk.isEmpty {
            hash.update(data: chunk)
            try copy?.write(contentsOf: chunk)
            left -= chunk.count
        }
        try copy?.synchronize()
        return hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private func refusal(_ error: any Error) -> EngineError {
        EngineError(.failed, "\(path) could not be read or written: \(error.localizedDescription).")
    }
}
