import FoundationEssentials
import HostModel

/// The image that a boot medium carries in its folder `muster`, as far as its manifest says.
struct CarriedImage {
    /// A medium whose files are looked for.
    enum Medium {
        case iso(ByteSource, ISODirectory)
        case disk(ByteSource, PartitionTable)

        private static let folder = "muster/"

        var source: ByteSource {
            switch self {
            case .iso(let source, _), .disk(let source, _): source
            }
        }

        /// Where a file of the folder `muster` is on the medium, in bytes; `nil` when it is not there in one piece.
        func file(_ name: String) throws -> (offset: Int64, size: Int64)? {
            switch self {
            case .iso(_, let directory):
                guard let entry = try directory.file(Self.folder + name), entry.isContiguous else { return nil }
                return (entry.offset, entry.size)
            case .disk(let source, let table):
                for partition in table.partitions {
                    let start = partition.sectors.lowerBound * table.sector
                    guard let volume = try FATDirectory(source, at: start, size: partition.size),
                        let found = try volume.file(Self.folder + name), let offset = found.offset
                    else { continue }
                    return (offset, found.size)
                }
                return nil
            }
        }
    }

    let manifest: ImageManifest

    /// `nil` for a medium that is not one of ours.
    init?(_ medium: Medium) throws {
        guard let place = try medium.file(ImageSeal.manifestName), place.size <= ImageVerification.manifestBytesMax,
            let manifest = try? JSONDecoder().decode(
                ImageManifest.self,
                from: Data(try medium.source.bytes(at: place.offset, count: Int(place.size)))
            ), manifest.files.allSatisfy({ ImageReference.isComponent($0.name) })
        else { return nil }
        self.manifest = manifest
    }
}
