import Glibc
import SystemPackage

/// What a build will write where, counted for each file system before the work starts.
struct SpacePlan {
    private var needs: [(folder: FilePath, bytes: Int64, what: String)] = []

    mutating func add(_ bytes: Int64, in folder: FilePath, for what: String) {
        guard bytes > 0 else { return }
        needs.append((folder, bytes, what))
    }

    /// Throws a sentence that names the file system's folder, what is missing there, and for what.
    func check() throws {
        var systems: [(device: dev_t, folder: FilePath, bytes: Int64, what: [String])] = []
        for need in needs {
            let device = try fileSystem(of: need.folder)
            if let place = systems.firstIndex(where: { $0.device == device }) {
                systems[place].bytes += need.bytes
                systems[place].what.append(need.what)
            } else {
                systems.append((device, need.folder, need.bytes, [need.what]))
            }
        }
        for system in systems {
            let free = try freeSpace(at: system.folder)
            guard free < system.bytes else { continue }
            throw BuildError(
                .diskFull,
                "\(system.folder) has \(Self.text(free)) free; "
                    + "\(system.what.joined(separator: ", ")) may need \(Self.text(system.bytes))",
                remedy: "free space there, or name another folder, and build again"
            )
        }
    }

    private static func text(_ bytes: Int64) -> String {
        bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }
}
