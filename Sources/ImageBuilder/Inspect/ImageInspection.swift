import FoundationEssentials
import HostModel
package import SystemPackage

/// Reads what is in an image: the folder of a built one, an initramfs, a squashfs, an ISO or a disk image.
package struct ImageInspection: Sendable {
    /// The largest initramfs read, in bytes: it is taken into memory.
    private static let initramfsBytesMax = 1 << 30
    private static let billBytesMax = 32 << 20

    package var path: FilePath
    /// Also read and hash the content of files, for a comparison.
    package var hashesFiles = false

    package init(_ path: FilePath, hashesFiles: Bool = false) { (self.path, self.hashesFiles) = (path, hashesFiles) }

    /// Throws `BuildError`.
    package func run() async throws -> ImageContents {
        do {
            if case .directory = try FileKind(of: path) { return try await folder() }
            if case .symbolicLink = try FileKind(of: path), exists(path.appending(ImageSeal.manifestName)) {
                return try await folder()
            }
            var contents = ImageContents(path: path.string, title: "")
            contents.title = try await add(path, to: &contents)
            return contents
        } catch {
            throw BuildError(error, doing: "read \(path)")
        }
    }

    private func folder() async throws -> ImageContents {
        let text = try readBytes(
            path.appending(ImageSeal.manifestName),
            limit: ImageVerification.manifestBytesMax
        )
        guard let manifest = try? JSONDecoder().decode(ImageManifest.self, from: Data(text)),
            manifest.files.allSatisfy({ ImageReference.isComponent($0.name) })
        else { throw BuildError(.image, "\(path) holds no manifest of an image", remedy: "build the image again") }
        let title = "\(manifest.name)@\(manifest.version), kernel \(manifest.kernelVersion)"
        var contents = ImageContents(path: path.string, title: title)
        for file in manifest.files {
            // The bill of materials has the version in it, and is compared package by package.
            let sha256 = file.role == .sbom ? nil : file.sha256
            contents.parts.append(
                .init(name: file.name, size: file.size, detail: file.role.rawValue, sha256: sha256)
            )
        }
        for file in manifest.files where [.initramfs, .root].contains(file.role) {
            _ = try await add(path.appending(file.name), to: &contents)
        }
        if contents.packages.isEmpty, let bill = manifest.file(.sbom) {
            let bytes = try readBytes(path.appending(bill.name), limit: Self.billBytesMax)
            contents.packages = try SPDXPackageList.read(bytes).map { .init(name: $0.name, version: $0.version) }
        }
        return contents
    }

    /// Adds what one file holds, and gives its kind.
    private func add(_ file: FilePath, to contents: inout ImageContents) async throws -> String {
        let source = try ByteSource(file)
        if ISODirectory.isPresent(in: source) { return try await addISO(source, to: &contents) }
        if let table = try PartitionTable.read(source) {
            for partition in table.partitions {
                contents.parts.append(.init(name: partition.name, size: partition.size))
            }
            let title = "disk image, \(table.partitions.count) partitions"
            return try await addCarried(by: .disk(source, table), title: title, to: &contents)
        }
        if source.size > 96, try source.bytes(at: 0, count: 4) == Array("hsqs".utf8) {
            let name = file.lastComponent?.string ?? ""
            return try await addSquashfs(file, at: 0, size: source.size, name: name, to: &contents)
        }
        try addInitramfs(try readBytes(file, limit: Self.initramfsBytesMax), to: &contents)
        return "initramfs"
    }

    private func addISO(_ source: ByteSource, to contents: inout ImageContents) async throws -> String {
        let directory = try ISODirectory(source)
        for file in try directory.files() {
            contents.parts.append(.init(name: file.path, size: file.size, detail: "sector \(file.offset / 2048)"))
        }
        for partition in try PartitionTable.read(source)?.partitions ?? [] {
            contents.parts.append(.init(name: "partition \(partition.name)", size: partition.size))
        }
        let title = "ISO, volume \(directory.volumeID)"
        return try await addCarried(by: .iso(source, directory), title: title, to: &contents)
    }

    /// What the image holds that a medium carries; gives the medium's title with the image's behind it.
    private func addCarried(
        by medium: CarriedImage.Medium,
        title: String,
        to contents: inout ImageContents
    ) async throws -> String {
        guard let image = try CarriedImage(medium) else { return title }
        for file in image.manifest.files where file.role == .initramfs {
            guard let place = try medium.file(file.name), place.size <= Self.initramfsBytesMax else { continue }
            try addInitramfs(try medium.source.bytes(at: place.offset, count: Int(place.size)), to: &contents)
        }
        for file in image.manifest.files where file.role == .root {
            guard let place = try medium.file(file.name) else {
                let words = "not in one piece on the medium, or not there: its tree is not listed"
                contents.parts.append(.init(name: "tree of \(file.name)", size: file.size, detail: words))
                continue
            }
            _ = try await addSquashfs(path, at: place.offset, size: place.size, name: file.name, to: &contents)
        }
        return "\(title), with \(image.manifest.name)@\(image.manifest.version), kernel \(image.manifest.kernelVersion)"
    }

    private func addInitramfs(_ bytes: [UInt8], to contents: inout ImageContents) throws {
        let initramfs = try InitramfsSections(bytes)
        for (number, section) in initramfs.sections.enumerated() {
            let files = try initramfs.files(of: section, hashing: hashesFiles)
            let part = ImageContents.Part(
                name: "initramfs archive \(number + 1)",
                size: Int64(section.size),
                unpackedSize: files.reduce(0) { $0 + $1.size },
                detail: "\(section.compression), \(files.count) files"
            )
            contents.parts.append(part)
            contents.add(files)
        }
    }

    /// A squashfs from byte `offset` of a file on.
    private func addSquashfs(
        _ file: FilePath,
        at offset: Int64,
        size: Int64,
        name: String,
        to contents: inout ImageContents
    ) async throws -> String {
        let place = ["-offset", String(offset)]
        let files = SquashfsListing.parse(try await Tool.unsquashfs.run(place + ["-lln", file.string]))
        contents.add(files)
        let unpacked = files.reduce(0) { $0 + $1.size }
        let part = ImageContents.Part(
            name: "tree of \(name)",
            size: size,
            unpackedSize: unpacked,
            detail: "squashfs, \(files.count) files"
        )
        contents.parts.append(part)
        // A tree without dpkg has no such file; unsquashfs then fails or prints nothing.
        if files.contains(where: { $0.path == "var/lib/dpkg/status" }) {
            let status = try await Tool.unsquashfs.run(place + ["-cat", file.string, "var/lib/dpkg/status"])
            contents.packages = SBOMPackage.parse(dpkgStatus: status).map {
                .init(name: $0.name, version: $0.version, size: $0.installedSize)
            }
        }
        return "squashfs"
    }
}

/// What `unsquashfs -lln` prints.
enum SquashfsListing {
    /// The plain files: `-rw-r--r-- 0/0  1234 2023-11-14 22:13 squashfs-root/etc/hostname`.
    static func parse(_ text: String) -> [ListedFile] {
        text.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("-"), let name = line.firstRange(of: " squashfs-root/") else { return nil }
            let fields = line[..<name.lowerBound].split(separator: " ")
            guard fields.count == 5, let size = Int64(fields[2]) else { return nil }
            return ListedFile(path: String(line[name.upperBound...]), size: size)
        }
    }
}
