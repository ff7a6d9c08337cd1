import Archive
import Subprocess
import SystemPackage
import Testing

@Suite struct ISOWriterTests {
    private static let epoch: Int64 = 1_700_000_000

    private func path(_ text: String) throws -> TreePath { try #require(TreePath(text)) }

    private func write(
        _ tree: FileTree,
        to file: FilePath,
        volume: String = "SAMPLE",
        application: String = "TEST",
        boot: String? = "boot.img"
    ) throws {
        var writer = try ISOWriter.create(
            at: file,
            identity: .init(volume: volume, application: application),
            boot: try boot.map { .init(image: try path($0), catalogue: try path("boot.cat")) },
            epoch: Self.epoch
        )
        try writer.append(tree)
        try writer.finish()
    }

    private func output(of program: String, _ arguments: [String]) async throws -> String {
        let result = try await run(
            .name(program),
            arguments: Arguments(arguments),
            output: .string(limit: 1 << 24),
            error: .string(limit: 1 << 20)
        )
        try #require(result.terminationStatus.isSuccess, "\(program): \(result.standardError)")
        return result.standardOutput
    }

    @Test("case 35: a boot image of a floppy's size is no floppy", arguments: [4096, 1_474_560])
    func bootImage(size: Int) async throws {
        let scratch = try Scratch("iso-boot")
        var tree = FileTree()
        try tree.add(.file(.bytes([UInt8](repeating: 7, count: size)), mode: 0o644), at: try path("boot.img"))
        try write(tree, to: scratch.file("a.iso"))
        let report = try await output(
            of: "xorriso",
            ["-indev", scratch.file("a.iso").string, "-report_el_torito", "plain"]
        )
        #expect(report.contains("El Torito boot img :   1  BIOS  y   none  0x0000  0x00      4"), "\(report)")
        #expect(report.contains("boot-info-table"), "\(report)")
        let volume = try await output(of: "xorriso", ["-indev", scratch.file("a.iso").string, "-pvd_info"])
        #expect(volume.contains("Volume Id    : SAMPLE\n"), "\(volume)")
    }

    @Test("case 34: what libarchive refuses or leaves out is an error")
    func everyWarningIsAnError() throws {
        let scratch = try Scratch("iso-warning")
        var tree = FileTree()
        try tree.add(.file(.bytes([1]), mode: 0o644), at: try path("x"))
        #expect(throws: ArchiveError.self, "the boot image is missing") {
            try write(tree, to: scratch.file("a"), boot: "boot.img")
        }
        #expect(throws: ArchiveError.self, "the volume id is too long") {
            try write(tree, to: scratch.file("a"), volume: String(repeating: "X", count: 33), boot: nil)
        }
        #expect(throws: ArchiveError.self, "the application id is too long") {
            try write(tree, to: scratch.file("a"), application: String(repeating: "X", count: 129), boot: nil)
        }
        #expect(throws: ArchiveError.self, "nothing can be written there") {
            try write(tree, to: scratch.file("missing/a"), boot: nil)
        }
        try tree.add(.characterDevice(major: 1, minor: 3, mode: 0o666), at: try path("null"))
        #expect(throws: ArchiveError.self, "a device") { try write(tree, to: scratch.file("a"), boot: nil) }
    }

    @Test func tooMuchForTheTemporaryFileIsAnError() throws {
        let scratch = try Scratch("iso-limit")
        let half = [UInt8](repeating: 0, count: ISOWriter.mostContent / 2 + 1)
        var tree = FileTree()
        try tree.add(.file(.bytes(half), mode: 0o644), at: try path("a"))
        try tree.add(.file(.bytes(half), mode: 0o644), at: try path("b"))
        let error = #expect(throws: ArchiveError.self) { try write(tree, to: scratch.file("a"), boot: nil) }
        #expect(error?.detail.contains("64 MiB") == true)
    }

    @Test("case 41: directories deeper than eight, and names that are the same in 8.3")
    func deepAndSimilar() async throws {
        let scratch = try Scratch("iso-deep")
        var tree = FileTree()
        let deep = (1...12).map { "level\($0)" }.joined(separator: "/")
        try tree.add(.file(.bytes(Array("deep".utf8)), mode: 0o644), at: try path(deep + "/file"))
        for number in 1...20 {
            let content = Array("\(number)".utf8)
            try tree.add(.file(.bytes(content), mode: 0o644), at: try path("longname-\(number).extension"))
        }
        try write(tree, to: scratch.file("a.iso"), boot: nil)
        let listing = try await output(
            of: "xorriso",
            ["-indev", scratch.file("a.iso").string, "-find", "/", "-type", "f"]
        )
        let found = Set(listing.split(separator: "\n").map { String($0.dropFirst(2).dropLast()) })
        let expected = tree.sorted.compactMap { node -> String? in
            if case .file = node.node { node.path.text } else { nil }
        }
        #expect(found == Set(expected))
        let target = scratch.file("out")
        _ = try await output(of: "mkdir", [target.string])
        _ = try await output(of: "bsdtar", ["-xf", scratch.file("a.iso").string, "-C", target.string])
        for name in expected {
            let content = try await output(of: "cat", [target.appending(name).string])
            #expect(name.hasSuffix("/file") ? content == "deep" : name.hasPrefix("longname-\(content)."))
        }
    }

    @Test("case 41: more directories than ISO 9660 can number are an error")
    func tooManyDirectories() throws {
        let scratch = try Scratch("iso-many")
        var tree = FileTree()
        for number in 0...65_535 {
            try tree.add(.directory(mode: 0o755), at: try path("\(number % 256)/\(number)"))
        }
        #expect(throws: ArchiveError.self) { try write(tree, to: scratch.file("a"), boot: nil) }
    }
}
