import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// Adds the boot media of a definition to a finished image folder. A medium that stands in the image's place already, made
/// of the same things, is linked and not made again.
struct MediaOutput {
    var definition: ImageDefinition
    /// The text of the start menu's template.
    var menuTemplate: String
    var epoch: Int64

    /// Says of which inputs the media of a folder were made. A note of the builder to itself: not signed, and no part of the
    /// image.
    static let keysName = ".media.json"
    private static let largestText = 1 << 20

    /// Writes the media into `folder`, which holds what `manifest` names. `documents` are the manifest as the media carry it,
    /// without the media themselves, and its signature. `present` is where the same version may stand from an earlier build.
    func write(
        _ manifest: ImageManifest,
        _ documents: [BootMedium.Document],
        to folder: FilePath,
        present: FilePath,
        progress: @escaping (BuildProgress) -> Void
    ) async throws -> [ImageManifest.File] {
        let isMedium = !definition.outputs.isDisjoint(with: [.iso, .disk])
        let medium = try medium(manifest, documents, in: folder)
        let disk = definition.outputs.contains(.disk)
        if isMedium { try medium.requireTools(disk: disk) }
        let key = isMedium ? try medium.key() : ""
        var areAllLinked = true
        let progress: (BuildProgress) -> Void = { step in
            areAllLinked = areAllLinked && step.cached
            progress(step)
        }
        var files: [ImageManifest.File] = []
        if definition.outputs.contains(.iso) {
            let name = "\(definition.name).iso"
            let file = try await add(name, .iso, key, to: folder, present, progress) { place, copied in
                try await medium.writeISO(to: place, progress: copied)
            }
            files.append(file)
        }
        if disk {
            let name = "\(definition.name).img"
            let file = try await add(name, .disk, key, to: folder, present, progress) { place, copied in
                try await medium.writeDisk(to: place, progress: copied)
            }
            files.append(file)
        }
        guard isMedium else { return [] }
        let sizes = files.map { "\($0.name) \($0.size >> 20) MiB" }.joined(separator: ", ")
        progress(BuildProgress(stage: .media, detail: sizes, cached: areAllLinked, isFinished: true))
        let keys = Dictionary(uniqueKeysWithValues: files.map { ($0.name, key) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try writeFile(try encoder.encode(keys) + [10], to: folder.appending(Self.keysName))
        return files
    }

    private func medium(
        _ manifest: ImageManifest,
        _ documents: [BootMedium.Document],
        in folder: FilePath
    ) throws -> BootMedium {
        var medium = BootMedium(
            name: manifest.name,
            version: manifest.version,
            kernelVersion: manifest.kernelVersion,
            kernel: folder.appending(ImageOutput.kernelName),
            initramfs: folder.appending(ImageOutput.initramfsName),
            kernelArguments: manifest.kernelArguments,
            menuTemplate: menuTemplate,
            epoch: epoch,
            workDirectory: folder
        )
        if manifest.file(.root) != nil { medium.root = folder.appending(ImageOutput.rootName) }
        medium.loaders = manifest.file(.loaders).map { folder.appending($0.name) }
        medium.documents = documents
        medium.secureBoot = definition.secureBoot
        return medium
    }

    private func add(
        _ name: String,
        _ role: ImageManifest.File.Role,
        _ key: String,
        to folder: FilePath,
        _ present: FilePath,
        _ progress: @escaping (BuildProgress) -> Void,
        make: (FilePath, (Int64) -> Void) async throws -> Void
    ) async throws -> ImageManifest.File {
        let place = folder.appending(name)
        if let file = linked(name, role, key, from: present, to: place) {
            progress(BuildProgress(stage: .media, detail: name, cached: true))
            return file
        }
        let total = try names(in: folder).reduce(0) { try $0 + fileSize(folder.appending($1)) }
        var done: Int64 = 0
        progress(BuildProgress(stage: .media, detail: "writing \(name)"))
        try await make(place) { copied in
            done += copied
            let amount = BuildProgress.Amount(done: min(done, total), total: total, unit: .bytes)
            progress(BuildProgress(stage: .media, detail: "writing \(name)", amount: amount))
        }
        let measured = try measure(place)
        return ImageManifest.File(name: name, role: role, size: measured.size, sha256: measured.sha256)
    }

    /// The medium of an earlier build under its new name, if it was made of the same inputs and is whole.
    private func linked(
        _ name: String,
        _ role: ImageManifest.File.Role,
        _ key: String,
        from present: FilePath,
        to place: FilePath
    ) -> ImageManifest.File? {
        func read<Value: Decodable>(_ name: String, as type: Value.Type) -> Value? {
            guard let text = try? readText(present.appending(name), limit: Self.largestText) else { return nil }
            return try? JSONDecoder().decode(type, from: Data(text.utf8))
        }
        guard read(Self.keysName, as: [String: String].self)?[name] == key,
            let file = read(ImageOutput.manifestName, as: ImageManifest.self)?.file(role),
            let measured = try? measure(present.appending(name)), measured.size == file.size,
            measured.sha256 == file.sha256, link(present.appending(name).string, place.string) == 0
        else { return nil }
        return file
    }
}
