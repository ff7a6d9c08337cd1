package import HostModel

/// What is in an image, by size: of a built image's folder, or of one of its files.
package struct ImageContents: Hashable, Sendable, Codable {
    /// A piece of the image: a file of the folder, an archive of the initramfs, a partition, a file of a medium.
    package struct Part: Hashable, Sendable, Codable {
        package var name: String
        /// Bytes in the image.
        package var size: Int64
        /// Bytes when unpacked; `nil` where nothing is packed.
        package var unpackedSize: Int64?
        package var detail: String
        /// Of a file of the image's folder, as its manifest has it.
        package var sha256: Nonce?

        package init(
            name: String,
            size: Int64,
            unpackedSize: Int64? = nil,
            detail: String = "",
            sha256: Nonce? = nil
        ) {
            (self.name, self.size, self.unpackedSize, self.detail) = (name, size, unpackedSize, detail)
            self.sha256 = sha256
        }
    }

    package struct Package: Hashable, Sendable, Codable {
        package var name: String
        package var version: String
        /// Installed, in bytes; `nil` where the image does not say.
        package var size: Int64?

        package init(name: String, version: String, size: Int64? = nil) {
            (self.name, self.version, self.size) = (name, version, size)
        }
    }

    package var path: String
    /// `node-minimal@e4ed3b9a…`, or what kind of file it is.
    package var title: String
    package var parts: [Part] = []
    package var packages: [Package] = []
    /// Plain files; kernel modules are in `modules`.
    package var files: [ListedFile] = []
    package var modules: [ListedFile] = []

    package init(path: String, title: String) { (self.path, self.title) = (path, title) }

    /// Adds files of the tree; the last of one path counts, as in the kernel.
    mutating func add(_ listed: [ListedFile]) {
        let isLater = Set(listed.map(\.path))
        files.removeAll { isLater.contains($0.path) }
        modules.removeAll { isLater.contains($0.path) }
        files += listed.filter { !$0.isModule }
        modules += listed.filter(\.isModule)
    }

    /// The largest first; the rest of each list is left out.
    package func largest(_ count: Int) -> ImageContents {
        var contents = self
        contents.files = Array(Self.bySize(files).prefix(count))
        contents.modules = Array(Self.bySize(modules).prefix(count))
        contents.packages = packages.sorted { ($0.size ?? 0, $1.name) > ($1.size ?? 0, $0.name) }
        return contents
    }

    private static func bySize(_ files: [ListedFile]) -> [ListedFile] {
        files.sorted { ($0.size, $1.path) > ($1.size, $0.path) }
    }
}

/// What differs between two images.
package struct ImageDifference: Hashable, Sendable, Codable {
    package enum Change: String, Hashable, Sendable, Codable {
        case added
        case removed
        case changed
    }

    package struct Package: Hashable, Sendable, Codable {
        package var name: String
        package var change: Change
        /// Versions; more than one where several are installed.
        package var before: String?
        package var after: String?
    }

    package struct Size: Hashable, Sendable, Codable {
        package var name: String
        package var change: Change
        /// Bytes.
        package var before: Int64?
        package var after: Int64?
    }

    /// Parts of the image whose size or SHA-256 differs. What vouches for the others (manifest, bill of materials) is left out.
    package var parts: [Size]
    package var packages: [Package]
    /// Files and modules. Where no content was read (squashfs), a change that keeps the size is not seen.
    package var files: [Size]

    package var isEmpty: Bool { parts.isEmpty && packages.isEmpty && files.isEmpty }

    package init(from before: ImageContents, to after: ImageContents) {
        func sized(_ contents: ImageContents) -> [Marked] {
            contents.parts.map { ($0.name, $0.size, "\($0.size) \($0.sha256?.description ?? "")") }
        }
        func listed(_ contents: ImageContents) -> [Marked] {
            (contents.files + contents.modules).map { ($0.path, $0.size, "\($0.size) \($0.sha256?.description ?? "")") }
        }
        parts = Self.sizes(sized(before), sized(after))
        files = Self.sizes(listed(before), listed(after))
        let old = Self.versions(before.packages)
        let new = Self.versions(after.packages)
        packages = Set(old.keys).union(new.keys).sorted().compactMap { name in
            Self.change(old[name], new[name]).map {
                Package(name: name, change: $0, before: old[name], after: new[name])
            }
        }
    }

    private static func versions(_ packages: [ImageContents.Package]) -> [String: String] {
        Dictionary(grouping: packages, by: \.name).mapValues { $0.map(\.version).sorted().joined(separator: ", ") }
    }

    /// `mark` tells contents apart.
    private typealias Marked = (name: String, size: Int64, mark: String)

    private static func sizes(_ before: [Marked], _ after: [Marked]) -> [Size] {
        let old = Dictionary(before.map { ($0.name, $0) }) { _, last in last }
        let new = Dictionary(after.map { ($0.name, $0) }) { _, last in last }
        return Set(old.keys).union(new.keys).sorted().compactMap { name in
            change(old[name]?.mark, new[name]?.mark).map {
                Size(name: name, change: $0, before: old[name]?.size, after: new[name]?.size)
            }
        }
    }

    private static func change(_ before: String?, _ after: String?) -> Change? {
        if before == after { return nil }
        return before == nil ? .added : after == nil ? .removed : .changed
    }
}
