import Archive
import Glibc
import SystemPackage
import Testing

@Suite struct CpioWriterTests {
    /// One node of every kind, and contents around newc's padding to four bytes.
    static func sample() throws -> FileTree {
        var tree = FileTree()
        for size in 0...5 {
            let bytes = (0..<size).map { UInt8($0) }
            try tree.add(.file(.bytes(bytes), mode: 0o640), at: try #require(TreePath("data/\(size) bytes")))
        }
        try tree.add(.file(.bytes(Array("#!/bin/sh\n".utf8)), mode: 0o4755), at: try #require(TreePath("bin/tool")))
        try tree.add(.directory(mode: 0o1777), at: try #require(TreePath("tmp")))
        try tree.add(.symbolicLink(target: "/bin/tool"), at: try #require(TreePath("init")))
        try tree.add(.symbolicLink(target: "no/such/place"), at: try #require(TreePath("bin/dangling")))
        try tree.add(.characterDevice(major: 5, minor: 1, mode: 0o600), at: try #require(TreePath("dev/console")))
        return tree
    }

    @discardableResult
    static func write(
        _ tree: FileTree,
        to file: FilePath,
        _ compression: CpioWriter.Compression = .none,
        epoch: Int64 = 1_700_000_000
    ) throws -> FilePath {
        var writer = try CpioWriter.create(at: file, compression: compression, epoch: epoch)
        try writer.append(tree)
        try writer.finish()
        return file
    }

    @Test(arguments: [CpioWriter.Compression.none, .gzip(level: 9), .zstd(level: 3)])
    func readsBackWhatWasWritten(compression: CpioWriter.Compression) throws {
        let scratch = try Scratch("cpio")
        let tree = try Self.sample()
        let file = try Self.write(tree, to: scratch.file("a.cpio"), compression)
        var reader = try ArchiveReader.open(file)
        var nodes: [TreePath: FileTree.Node] = [:]
        var order: [TreePath] = []
        while let entry = try reader.nextEntry() {
            order.append(entry.path)
            #expect(entry.modified == 1_700_000_000)
            #expect(entry.owner == (0, 0))
            switch entry.kind {
            case .file: nodes[entry.path] = .file(.bytes(try reader.readContent(limit: 64)), mode: entry.mode)
            case .directory: nodes[entry.path] = .directory(mode: entry.mode)
            case .symbolicLink(let target): nodes[entry.path] = .symbolicLink(target: target)
            case .other: nodes[entry.path] = .characterDevice(major: 5, minor: 1, mode: entry.mode)
            case .hardLink: Issue.record("no hard link was written")
            }
        }
        #expect(nodes == tree.nodes)
        #expect(order == order.sorted())
    }

    @Test("case 6: cpio lists devices, made without privilege, and modes") func cpioItselfListsTheSame() async throws {
        let scratch = try Scratch("cpio-list")
        let file = try Self.write(try Self.sample(), to: scratch.file("a.cpio"))
        let list = try await output(of: "cpio", ["--quiet", "-itv", "--numeric-uid-gid", "-F", file.string])
        let lines = list.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
        let expected: [(mode: String, end: String)] = [
            ("drwxr-xr-x", "bin"), ("lrwxrwxrwx", "no/such/place"), ("-rwsr-xr-x", "bin/tool"), ("drwxr-xr-x", "data"),
            ("-rw-r-----", "bytes"), ("-rw-r-----", "bytes"), ("-rw-r-----", "bytes"), ("-rw-r-----", "bytes"),
            ("-rw-r-----", "bytes"), ("-rw-r-----", "bytes"), ("drwxr-xr-x", "dev"), ("crw-------", "dev/console"),
            ("lrwxrwxrwx", "/bin/tool"), ("drwxrwxrwt", "tmp"),
        ]
        try #require(lines.count == expected.count)
        for (line, want) in zip(lines, expected) {
            #expect(line.first.map(String.init) == want.mode)
            #expect(line.last.map(String.init) == want.end)
            #expect(line[2...3] == ["0", "0"])
        }
    }

    @Test func sameTreeSameBytes() throws {
        let scratch = try Scratch("cpio-same")
        let tree = try Self.sample()
        var reversed = FileTree()
        for (path, node) in tree.sorted.reversed() { try reversed.add(node, at: path) }
        for compression in [CpioWriter.Compression.none, .gzip(level: 6), .zstd(level: 19)] {
            try Self.write(tree, to: scratch.file("a"), compression)
            try Self.write(reversed, to: scratch.file("b"), compression)
            try #expect(scratch.bytes("a") == scratch.bytes("b"))
        }
    }

    @Test func contentFromDiskIsTheSameAsFromMemory() throws {
        let scratch = try Scratch("cpio-disk")
        let bytes = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let source = try scratch.write(bytes, to: "source")
        let path = try #require(TreePath("big"))
        var memory = FileTree()
        try memory.add(.file(.bytes(bytes), mode: 0o644), at: path)
        var disk = FileTree()
        try disk.add(.file(.file(source), mode: 0o644), at: path)
        try Self.write(memory, to: scratch.file("a"))
        try Self.write(disk, to: scratch.file("b"))
        try #expect(scratch.bytes("a") == scratch.bytes("b"))
    }

    @Test("case 8: the name that ends an archive is refused") func refusesTheNameThatEndsAnArchive() throws {
        let scratch = try Scratch("cpio-trailer")
        var tree = FileTree()
        try tree.add(.file(.bytes([]), mode: 0o644), at: try #require(TreePath("TRAILER!!!")))
        #expect(throws: ArchiveError.self) { try Self.write(tree, to: scratch.file("a")) }
    }

    @Test("case 16: times that newc cannot hold are an error", arguments: [-1, 1 << 32] as [Int64])
    func refusesTimesThatNewcCannotHold(epoch: Int64) throws {
        let scratch = try Scratch("cpio-epoch")
        #expect(throws: ArchiveError.self) { try Self.write(FileTree(), to: scratch.file("a"), epoch: epoch) }
    }

    @Test func namesTheFileWhenItCannotBeMade() throws {
        let error = #expect(throws: ArchiveError.self) {
            try Self.write(FileTree(), to: "/no/such/folder/a.cpio")
        }
        #expect(error?.path == "/no/such/folder/a.cpio")
        #expect(error?.code == ENOENT)
    }

    @Test func aMissingSourceNamesItself() throws {
        let scratch = try Scratch("cpio-missing")
        var tree = FileTree()
        try tree.add(.file(.file("/no/such/source"), mode: 0o644), at: try #require(TreePath("a")))
        let error = #expect(throws: ArchiveError.self) { try Self.write(tree, to: scratch.file("a")) }
        #expect(error?.operation.contains("/no/such/source") == true)
        #expect(error?.code == ENOENT)
    }

    /// /dev/full takes nothing: ENOSPC on every write.
    @Test(arguments: [CpioWriter.Compression.none, .zstd(level: 3)])
    func aFullDiskIsAnErrorWithItsCode(compression: CpioWriter.Compression) throws {
        let error = #expect(throws: ArchiveError.self) {
            try Self.write(try Self.sample(), to: "/dev/full", compression)
        }
        #expect(error?.code == ENOSPC)
    }
}
