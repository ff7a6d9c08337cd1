import ArgumentParser
import Foundation
import HostModel
import ImageBuilder
import SystemPackage

struct ImageInspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what is in an image, by size.",
        discussion: """
            Of a built image: its files, the archives of the initramfs, packages, the largest files and kernel modules. Of a single \
            file (initramfs, squashfs, ISO, disk image): the same of it alone. A squashfs is read by unsquashfs.
            """
    )

    @Argument(help: "The image's name, its folder, or a file.", completion: .file())
    var image: String

    @Option(help: ArgumentHelp("Where built images lie.", valueName: "folder"), completion: .directory)
    var directory = BuiltImageFolder.defaultDirectory

    @Option(help: ArgumentHelp("How many of the largest files and modules.", valueName: "count"))
    var top = 15

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0...100_000).contains(top) else { throw ValidationError("--top takes 0 to 100000") }
    }

    func run() async throws {
        let all = try await Self.contents(of: image, in: directory, hashing: false)
        output.show(all.largest(top), as: Self.layout(all, top: top))
    }

    static func contents(of named: String, in directory: String, hashing: Bool) async throws -> ImageContents {
        do {
            return try await ImageInspection(try place(of: named, in: directory), hashesFiles: hashing).run()
        } catch let error as BuildError {
            throw UserError(error)
        }
    }

    /// A file as it is; anything else as a built image.
    private static func place(of named: String, in directory: String) throws(UserError) -> FilePath {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: named, isDirectory: &isFolder), !isFolder.boolValue {
            return FilePath(named)
        }
        return try ImageVerify.folder(named, in: directory)
    }

    static func layout(_ all: ImageContents, top: Int) -> some Layout {
        let shown = all.largest(top)
        func table(_ files: [ListedFile]) -> Table {
            Table(
                header: ["SIZE", "FILE"],
                rows: files.map { [Cell(kibibytes($0.size)), Cell($0.path)] },
                isLastOpen: true
            )
        }
        func title(_ what: String, _ files: [ListedFile], of all: [ListedFile]) -> String {
            let bytes = all.reduce(0) { $0 + $1.size }
            let which = files.count < all.count ? "the largest \(files.count) of \(all.count)" : "\(all.count)"
            return "\(what): \(which), \(mebibytes(bytes)) in all"
        }
        let parts = Table(
            header: ["PART", "SIZE", "UNPACKED", "WHAT"],
            rows: all.parts.map {
                [Cell($0.name), Cell(kibibytes($0.size)), Cell($0.unpackedSize.map(kibibytes)), Cell($0.detail)]
            },
            isLastOpen: true
        )
        let packages = Table(
            header: ["PACKAGE", "VERSION", "INSTALLED"],
            rows: shown.packages.map { [Cell($0.name), Cell($0.version), Cell($0.size.map(kibibytes))] }
        )
        return Sections(parts: [
            (nil, Details(fields: [("Image", Cell(all.title)), ("Path", Cell(all.path))])),
            ("Parts", parts), ("Packages: \(all.packages.count)", packages),
            (title("Files", shown.files, of: all.files), table(shown.files)),
            (title("Kernel modules", shown.modules, of: all.modules), table(shown.modules)),
        ])
    }
}

/// `1234.5 KiB`: sizes of one list in one unit, so that the eye can compare them.
func kibibytes(_ bytes: Int64) -> String {
    let tenths = (bytes * 10 + 512) >> 10
    return "\(tenths / 10).\(tenths % 10) KiB"
}

struct ImageDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what differs between two images: sizes, packages, files.",
        discussion: """
            The files of an image's folder and the contents of an initramfs are compared by SHA-256, those of a squashfs by size: \
            a squashfs that differs in none of its sizes shows as a changed part without changed files. Ends with 0 whether there \
            is a difference or not.
            """
    )

    @Argument(help: "The older image: a folder or a file.", completion: .file())
    var before: String

    @Argument(help: "The newer one.", completion: .file())
    var after: String

    @Option(help: ArgumentHelp("Where built images lie.", valueName: "folder"), completion: .directory)
    var directory = BuiltImageFolder.defaultDirectory

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let old = try await ImageInspect.contents(of: before, in: directory, hashing: true)
        let new = try await ImageInspect.contents(of: after, in: directory, hashing: true)
        let difference = ImageDifference(from: old, to: new)
        guard difference.isEmpty else { return output.show(difference, as: Self.layout(difference)) }
        output.show(difference, as: Sentence(words: "the images hold the same"))
    }

    static func layout(_ difference: ImageDifference) -> some Layout {
        func sizes(_ name: String, _ list: [ImageDifference.Size]) -> Table {
            let rows = list.map { item in
                [
                    Cell(item.change.rawValue, tone(item.change)), Cell(item.before.map(kibibytes)),
                    Cell(item.after.map(kibibytes)), Cell(item.name),
                ]
            }
            return Table(header: ["CHANGE", "BEFORE", "AFTER", name], rows: rows, isLastOpen: true)
        }
        let packages = Table(
            header: ["CHANGE", "PACKAGE", "BEFORE", "AFTER"],
            rows: difference.packages.map {
                [Cell($0.change.rawValue, tone($0.change)), Cell($0.name), Cell($0.before), Cell($0.after)]
            }
        )
        return Sections(parts: [
            ("Sizes", sizes("PART", difference.parts)), ("Packages: \(difference.packages.count)", packages),
            ("Files: \(difference.files.count)", sizes("FILE", difference.files)),
        ])
    }

    private static func tone(_ change: ImageDifference.Change) -> Tone {
        switch change {
        case .added: .good
        case .removed: .bad
        case .changed: .waiting
        }
    }
}
