import Archive
import SystemPackage
import Testing

@Suite struct ArchiveReaderTests {
    private func drain(_ bytes: [UInt8]) throws -> Int {
        var reader = try ArchiveReader.open(bytes: bytes, name: "sample")
        var entries = 0
        while try reader.nextEntry() != nil {
            _ = try reader.readContent(limit: 1 << 16)
            entries += 1
        }
        return entries
    }

    private func sample(_ compression: CpioWriter.Compression) throws -> [UInt8] {
        let scratch = try Scratch("reader")
        try CpioWriterTests.write(try CpioWriterTests.sample(), to: scratch.file("a"), compression)
        return try scratch.bytes("a")
    }

    /// A prefix either is an error or ends before the last entry: never all of it, never a crash.
    @Test(arguments: [CpioWriter.Compression.none, .gzip(level: 1), .zstd(level: 1)])
    func everyPrefixIsShort(compression: CpioWriter.Compression) throws {
        let whole = try sample(compression)
        let entries = try drain(whole)
        let lastEntry = compression == .none ? whole.count - 124 : whole.count - 16
        for length in stride(from: 0, to: lastEntry, by: 3) {
            let count = try? drain(Array(whole[..<length]))
            #expect((count ?? 0) < entries, "a prefix of \(length) bytes read as whole")
        }
    }

    @Test(arguments: [CpioWriter.Compression.none, .zstd(level: 1)])
    func aFlippedByteDoesNotCrash(compression: CpioWriter.Compression) throws {
        let whole = try sample(compression)
        for index in stride(from: 0, to: whole.count, by: 2) {
            var bytes = whole
            bytes[index] ^= 0x55
            _ = try? drain(bytes)
        }
    }

    @Test func contentOverTheLimitIsAnError() throws {
        let scratch = try Scratch("limit")
        var tree = FileTree()
        try tree.add(.file(.bytes(Array(repeating: 0, count: 1000)), mode: 0o644), at: try #require(TreePath("zeros")))
        try CpioWriterTests.write(tree, to: scratch.file("a"), .zstd(level: 3))
        var reader = try ArchiveReader.open(scratch.file("a"))
        _ = try reader.nextEntry()
        do {
            _ = try reader.readContent(limit: 999)
            Issue.record("1000 bytes passed a limit of 999")
        } catch {
            #expect(error.detail.contains("999"))
        }
    }

    /// Archives whose entries would land outside of the place where they are unpacked.
    @Test func namesThatLeadOutAreErrors() throws {
        let scratch = try Scratch("outside")
        var tree = FileTree()
        try tree.add(.file(.bytes([1]), mode: 0o644), at: try #require(TreePath("aa")))
        try CpioWriterTests.write(tree, to: scratch.file("a"))
        var bytes = try scratch.bytes("a")
        #expect(try drain(bytes) == 1)
        bytes[110...111] = [46, 46]
        #expect(throws: ArchiveError.self) { try drain(bytes) }
        bytes[110...111] = [47, 97]
        #expect(throws: ArchiveError.self) { try drain(bytes) }
        bytes[110...111] = [0xC3, 0x28]
        #expect(throws: ArchiveError.self, "a name that is no UTF-8") { try drain(bytes) }
    }

    @Test func whatIsNoArchiveIsAnError() {
        #expect(throws: ArchiveError.self) { try drain(Array("not an archive at all, but long enough".utf8)) }
        #expect(throws: ArchiveError.self) { _ = try ArchiveReader.open("/no/such/file") }
    }

    @Test(arguments: ["xz", "gzip", "zstd", "none"])
    func debianPackagesOpen(compression: String) async throws {
        let scratch = try Scratch("deb")
        try await makePackage(in: scratch, compression: compression)
        var files = try DebianPackage.files(of: scratch.file("sample.deb"))
        var found: [String: [UInt8]] = [:]
        while let entry = try files.nextEntry() {
            if case .file = entry.kind { found[entry.path.text] = try files.readContent(limit: 100) }
        }
        #expect(found == ["usr/share/sample/text": Array("hello\n".utf8)])
        var control = try DebianPackage.control(of: scratch.file("sample.deb"))
        #expect(try control.nextEntry()?.path.text == "control")
    }

    @Test func whatIsNoPackageSaysSo() throws {
        let scratch = try Scratch("no-deb")
        try CpioWriterTests.write(try CpioWriterTests.sample(), to: scratch.file("a"))
        #expect(throws: ArchiveError.self) { _ = try DebianPackage.files(of: scratch.file("a")) }
    }

    private func makePackage(in scratch: Scratch, compression: String) async throws {
        let root = scratch.file("root")
        _ = try await output(of: "mkdir", ["-p", "\(root)/DEBIAN", "\(root)/usr/share/sample"])
        let control =
            "Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <n@example.org>\nDescription: x\n"
        _ = try scratch.write(Array(control.utf8), to: "root/DEBIAN/control")
        _ = try scratch.write(Array("hello\n".utf8), to: "root/usr/share/sample/text")
        _ = try await output(
            of: "dpkg-deb",
            ["-Z\(compression)", "-b", root.string, scratch.file("sample.deb").string]
        )
    }
}
