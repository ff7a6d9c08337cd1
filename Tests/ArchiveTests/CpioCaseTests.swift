import Archive
import Glibc
import SystemPackage
import Testing

/// The archives that kernels unpack, at the edges of what names, links and sizes can be; read back by GNU cpio, bsdtar and
/// ourselves.
@Suite struct CpioCaseTests {
    private func tree(_ nodes: [(path: String, node: FileTree.Node)]) throws -> FileTree {
        var tree = FileTree()
        for (path, node) in nodes { try tree.add(node, at: try #require(TreePath(path))) }
        return tree
    }

    private func kinds(_ file: FilePath) throws -> [String: ArchiveEntry.Kind] {
        var reader = try ArchiveReader.open(file)
        var kinds: [String: ArchiveEntry.Kind] = [:]
        while let entry = try reader.nextEntry() { kinds[entry.path.text] = entry.kind }
        return kinds
    }

    @Test("case 1: cpio, bsdtar and we list what was put in") func sameList() async throws {
        let scratch = try Scratch("case1")
        let tree = try CpioWriterTests.sample()
        let file = try CpioWriterTests.write(tree, to: scratch.file("a.cpio"))
        let names = tree.sorted.map(\.path.text)
        let byCpio = try await output(of: "cpio", ["--quiet", "-it", "-F", file.string])
        #expect(byCpio.split(separator: "\n").map(String.init) == names)
        let byTar = try await output(of: "bsdtar", ["-tf", file.string])
        #expect(byTar.split(separator: "\n").map { $0.hasSuffix("/") ? String($0.dropLast()) : String($0) } == names)
        #expect(try kinds(file).keys.sorted() == names.sorted())
    }

    @Test("case 5: links to absolute places, to nothing, and with 4095 bytes") func links() async throws {
        let scratch = try Scratch("case5")
        let long = String(repeating: "a/", count: 2047) + "b"
        let targets = ["absolute": "/bin/tool", "dangling": "no/such/place", "long": long, "up": "../../x"]
        let file = try CpioWriterTests.write(
            try tree(targets.map { ($0.key, .symbolicLink(target: $0.value)) }),
            to: scratch.file("a.cpio")
        )
        let read = try kinds(file)
        for (name, target) in targets { #expect(read[name] == .symbolicLink(target: target)) }
        _ = try await output(of: "bsdtar", ["-xf", file.string, "-C", scratch.path.string])
        let found = try await output(of: "readlink", [scratch.file("long").string])
        #expect(found.hasPrefix(long))
    }

    @Test("case 7: files of 0, 1, 2, 3 and 4 bytes and their padding", arguments: [0, 1, 2, 3, 4, 5])
    func smallFiles(size: Int) async throws {
        let scratch = try Scratch("case7")
        let bytes = Array(repeating: UInt8(ascii: "x"), count: size)
        let file = try CpioWriterTests.write(
            try tree([("a", .file(.bytes(bytes), mode: 0o644)), ("b", .file(.bytes([9]), mode: 0o644))]),
            to: scratch.file("a.cpio")
        )
        let list = try await output(of: "cpio", ["--quiet", "-itv", "-F", file.string]).split(separator: "\n")
        #expect(list.count == 2 && list[0].contains(" \(size) ") && list[1].contains(" 1 "))
        #expect(try kinds(file) == ["a": .file(size: Int64(size)), "b": .file(size: 1)])
    }

    @Test("case 7: a file of 4 GiB is one clear error") func tooLarge() async throws {
        let scratch = try Scratch("case7-large")
        _ = try await output(of: "truncate", ["-s", "4G", scratch.file("large").string])
        let large = try tree([("large", .file(.file(scratch.file("large")), mode: 0o644))])
        let error = #expect(throws: ArchiveError.self) { try CpioWriterTests.write(large, to: scratch.file("a.cpio")) }
        #expect(error?.detail == "larger than newc's 4 GiB")
    }

    @Test("case 7: a file of 4 GiB less one byte is whole", .enabled(if: getenv("MUSTER_TEST_IMAGES") != nil))
    func largest() async throws {
        let scratch = try Scratch("case7-largest")
        _ = try await output(of: "truncate", ["-s", "4294967295", scratch.file("large").string])
        let file = try CpioWriterTests.write(
            try tree([("large", .file(.file(scratch.file("large")), mode: 0o644))]),
            to: scratch.file("a.cpio.zst"),
            .zstd(level: 1)
        )
        #expect(try kinds(file) == ["large": .file(size: 4_294_967_295)])
    }

    @Test("case 8: names of 255 bytes, with newlines, twins in NFC and NFD, a leading dash, other planes")
    func names() async throws {
        let scratch = try Scratch("case8")
        let names = [
            String(repeating: "n", count: 255), "new\nline", "caf\u{e9}", "cafe\u{301}", "-rf", "\u{1f600}",
            "two words",
        ]
        let file = try CpioWriterTests.write(
            try tree(names.map { ($0, .file(.bytes(Array($0.utf8)), mode: 0o644)) }),
            to: scratch.file("a.cpio")
        )
        // By bytes: Swift's own strings take the twins for one.
        func bytes(_ names: some Sequence<String>) -> Set<[UInt8]> { Set(names.map { Array($0.utf8) }) }
        var reader = try ArchiveReader.open(file)
        var read: [String] = []
        while let entry = try reader.nextEntry() { read.append(entry.path.text) }
        #expect(bytes(read) == bytes(names) && read.count == names.count)
        let cpio = ["--quiet", "-i", "-D", scratch.path.string, "-F", file.string]
        _ = try await output(of: "cpio", cpio)
        for name in names { #expect(try scratch.bytes(name) == Array(name.utf8)) }
    }

    @Test("case 9: the longest path is whole; a longer one, and a longer name, are none") func longestPath() throws {
        let scratch = try Scratch("case9")
        let longest = String(repeating: "directory/", count: 409) + "files"
        #expect(longest.utf8.count == TreePath.longestPath)
        let file = try CpioWriterTests.write(
            try tree([(longest, .file(.bytes([1]), mode: 0o644))]),
            to: scratch.file("a.cpio")
        )
        #expect(try kinds(file)[longest] == .file(size: 1))
        #expect(TreePath(longest + "x") == nil)
        #expect(TreePath(String(repeating: "n", count: 256)) == nil)
    }
}
