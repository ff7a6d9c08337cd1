import Archive
import Foundation
import HostModel
import SystemPackage

/// The tar of a support bundle. Nothing goes into it but through `add`, which redacts and counts.
struct SupportBundleFile: ~Copyable {
    /// What became of one source.
    struct Entry: Hashable, Sendable, Encodable {
        var path: String
        var bytes: Int
        var removed: Int
        /// Why there is nothing, or not all of it.
        var note: String?
    }

    private var writer: TarWriter
    private let folder: String
    private let time: Int64
    private let bytesMax: Int
    private var bytes = 0
    private(set) var entries: [Entry] = []

    /// Makes the file for its owner only. `folder` is what everything in it lies in. Throws where there is one of this name.
    static func create(at path: FilePath, folder: String, bytesMax: Int) throws -> SupportBundleFile {
        let file = try FileDescriptor.open(
            path,
            .writeOnly,
            options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite]
        )
        try file.close()
        // libarchive truncates what is there, and keeps its mode.
        return SupportBundleFile(
            writer: try TarWriter.create(at: path),
            folder: folder,
            time: Int64(Date.now.timeIntervalSince1970),
            bytesMax: bytesMax
        )
    }

    private init(writer: consuming TarWriter, folder: String, time: Int64, bytesMax: Int) {
        self.writer = writer
        (self.folder, self.time, self.bytesMax) = (folder, time, bytesMax)
    }

    /// Adds what a source gave, redacted. What goes over the bundle's size is cut, and said.
    mutating func add(_ path: String, _ form: SupportSource.Form, _ content: Data) throws -> Entry {
        var redaction = Redaction()
        var clean: Data
        switch form {
        case .json:
            clean = redaction.json(content) ?? Data(redaction.text(String(decoding: content, as: UTF8.self)).utf8)
        case .text: clean = Data(redaction.text(String(decoding: content, as: UTF8.self)).utf8)
        }
        var note: String?
        let room = bytesMax - bytes
        if clean.count > room {
            note = "cut from \(clean.count) bytes: the bundle is full"
            // Of a log the newest is at its end.
            clean = form == .text ? clean.suffix(max(0, room)) : clean.prefix(max(0, room))
        }
        let entry = Entry(path: path, bytes: clean.count, removed: redaction.count, note: note)
        try write(path, Array(clean))
        entries.append(entry)
        return entry
    }

    /// Notes why a source gave nothing.
    mutating func skip(_ path: String, _ reason: String) -> Entry {
        var redaction = Redaction()
        let entry = Entry(path: path, bytes: 0, removed: 0, note: redaction.text(reason))
        entries.append(entry)
        return entry
    }

    /// Writes the list of what is in it, and the end.
    consuming func finish() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let list = Array(try encoder.encode(entries))
        try write("manifest.json", list)
        try writer.finish()
    }

    private mutating func write(_ path: String, _ content: [UInt8]) throws {
        guard let place = TreePath("\(folder)/\(path)") else {
            throw ArchiveError(operation: "write", path: path, detail: "it is no path")
        }
        try writer.append(
            ArchiveEntry(path: place, kind: .file(size: Int64(content.count)), mode: 0o600, modified: time),
            content: content
        )
        bytes += content.count
    }
}
