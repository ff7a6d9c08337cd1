import Foundation
import HostModel
import NIOCore
import SystemPackage

/// A built image on disk: `manifest.json`, and beside it the files that it names.
struct BuiltImageFolder: Sendable {
    let path: FilePath
    let manifest: ImageManifest

    /// Where `muster image build` puts images unless told otherwise.
    static let defaultDirectory = "muster-images"
    /// The largest manifest read, in bytes.
    static let manifestBytesMax = 1 << 20

    /// Opens what a person named: a folder with a manifest, a folder of versions whose `current` has one, or a NAME that
    /// is such a folder in `directory`.
    static func find(_ named: String, in directory: String) throws(UserError) -> BuiltImageFolder {
        let places = [FilePath(named), FilePath(directory).appending(named)]
        for place in places {
            for folder in [place, place.appending("current")] {
                guard let data = FileManager.default.contents(atPath: folder.appending("manifest.json").string) else {
                    continue
                }
                return try BuiltImageFolder(folder, manifest: data)
            }
        }
        throw UserError(
            .badData,
            "there is no built image at \(terminalEscaped(named))",
            remedy: "muster image build FILE, or name the folder that holds manifest.json"
        )
    }

    private init(_ path: FilePath, manifest data: Data) throws(UserError) {
        let place = terminalEscaped(path.appending("manifest.json").string)
        guard data.count <= Self.manifestBytesMax,
            let manifest = try? JSONDecoder().decode(ImageManifest.self, from: data),
            (1...ImageManifest.newestSchema).contains(manifest.schema)
        else {
            throw UserError(
                .badData,
                "\(place) is no image manifest of schema 1 to \(ImageManifest.newestSchema)",
                remedy: "build the image again"
            )
        }
        // The names become paths here and at the engine.
        let names = [manifest.name, manifest.version] + manifest.files.map(\.name)
        if let bad = names.first(where: { !ImageReference.isComponent($0) }) {
            throw UserError(
                .badData,
                "\(place) has a name that cannot be a file's: \(terminalEscaped(bad.prefix(64)))",
                remedy: "build the image again"
            )
        }
        (self.path, self.manifest) = (path, manifest)
    }

    /// The manifest's own bytes and, of a signed image, its signature, by file name.
    func descriptions() throws(UserError) -> [String: ByteBuffer] {
        var found: [String: ByteBuffer] = [:]
        for name in LiveImageSource.descriptionNames {
            guard let data = FileManager.default.contents(atPath: path.appending(name).string) else { continue }
            guard data.count <= Self.manifestBytesMax else {
                throw UserError(
                    .badData,
                    "\(terminalEscaped(path.appending(name).string)) is over 1 MiB",
                    remedy: "build the image again"
                )
            }
            found[name] = ByteBuffer(bytes: data)
        }
        return found
    }

    /// Reads a piece of one of the files; short only at the file's end.
    func read(_ file: ImageManifest.File, at offset: Int64, count: Int) throws -> ByteBuffer {
        let descriptor = try FileDescriptor.open(path.appending(file.name), .readOnly, options: .closeOnExec)
        return try descriptor.closeAfter {
            var piece = ByteBuffer()
            while piece.readableBytes < count {
                let left = count - piece.readableBytes
                let position = offset + Int64(piece.readableBytes)
                let read = try piece.writeWithUnsafeMutableBytes(minimumWritableBytes: left) { space in
                    let room = UnsafeMutableRawBufferPointer(rebasing: space.prefix(left))
                    return try descriptor.read(fromAbsoluteOffset: position, into: room)
                }
                if read == 0 { break }
            }
            return piece
        }
    }
}
