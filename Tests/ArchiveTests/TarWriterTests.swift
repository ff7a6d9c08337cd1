import Archive
import SystemPackage
import Testing

@Suite struct TarWriterTests {
    /// One entry of every kind, and what ustar has no room for.
    private static func sample() throws -> [(entry: ArchiveEntry, content: [UInt8])] {
        func path(_ text: String) throws -> TreePath { try #require(TreePath(text)) }
        let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let long = String(repeating: "long/", count: 60) + "name"
        return [
            (.init(path: try path("etc"), kind: .directory, mode: 0o755, modified: 5), []),
            (.init(path: try path("etc/empty"), kind: .file(size: 0), mode: 0o600, modified: 6), []),
            (
                .init(path: try path("etc/one"), kind: .file(size: 1), mode: 0o4755, modified: 7, user: 36, group: 36),
                [9]
            ),
            (.init(path: try path("etc/other"), kind: .hardLink(target: try path("etc/one")), mode: 0o4755), []),
            (.init(path: try path("etc/link"), kind: .symbolicLink(target: "/no/such"), mode: 0o777), []),
            (.init(path: try path("etc/Főtanúsítvány.crt"), kind: .file(size: 3), mode: 0o644), [1, 2, 3]),
            (.init(path: try path(long), kind: .file(size: 2), mode: 0o644, user: 3_000_000), [4, 5]),
            (
                .init(
                    path: try path("bin/ping"),
                    kind: .file(size: 4),
                    mode: 0o755,
                    attributes: ["security.capability": capability, "user.note": Array("x".utf8)]
                ), [1, 2, 3, 4]
            ),
        ]
    }

    private func write(to file: FilePath) throws {
        let writer = try TarWriter.create(at: file)
        for (entry, content) in try Self.sample() {
            if case .file = entry.kind { try writer.append(entry, content: content) } else { try writer.begin(entry) }
        }
        try writer.finish()
    }

    @Test("cases 10, 11, 12: modes, large owners and capabilities survive") func readsBackWhatWasWritten() throws {
        let scratch = try Scratch("tar")
        try write(to: scratch.file("a.tar"))
        var reader = try ArchiveReader.open(scratch.file("a.tar"))
        for (expected, content) in try Self.sample() {
            let entry = try #require(try reader.nextEntry())
            #expect(entry.path == expected.path)
            #expect(entry.mode == expected.mode)
            #expect(entry.owner == expected.owner)
            #expect(entry.attributes == expected.attributes)
            if case .hardLink = expected.kind { continue }
            #expect(entry.kind == expected.kind)
            if case .file = entry.kind { #expect(try reader.readContent(limit: 100) == content) }
        }
        #expect(try reader.nextEntry() == nil)
    }

    @Test func theSameEntriesAreTheSameBytes() throws {
        let scratch = try Scratch("tar-same")
        try write(to: scratch.file("a.tar"))
        try write(to: scratch.file("b.tar"))
        #expect(try scratch.bytes("a.tar") == scratch.bytes("b.tar"))
    }

    @Test func tarItselfReadsIt() async throws {
        let scratch = try Scratch("tar-list")
        try write(to: scratch.file("a.tar"))
        let list = try await output(of: "tar", ["--list", "--file", scratch.file("a.tar").string])
        #expect(list.split(separator: "\n").count == (try Self.sample()).count)
        let attributes = try await output(
            of: "tar",
            ["--list", "-vv", "--xattrs", "--xattrs-include=*", "--file", scratch.file("a.tar").string, "bin/ping"]
        )
        #expect(attributes.contains("security.capability"))
    }

    @Test("case 23: a tar cut anywhere is short or an error") func everyPrefixIsShort() throws {
        let scratch = try Scratch("tar-prefix")
        try write(to: scratch.file("a.tar"))
        let whole = try scratch.bytes("a.tar")
        let entries = try Self.sample().count
        for length in stride(from: 0, to: whole.count - 2048, by: 97) {
            var count = 0
            do {
                var reader = try ArchiveReader.open(bytes: Array(whole[..<length]), name: "prefix")
                while try reader.nextEntry() != nil {
                    _ = try reader.readContent(limit: 1 << 16)
                    count += 1
                }
            } catch { continue }
            #expect(count < entries, "a prefix of \(length) bytes read as whole")
        }
    }

    @Test("case 23: a flipped byte is no crash") func flippedBytes() throws {
        let scratch = try Scratch("tar-flip")
        try write(to: scratch.file("a.tar"))
        let whole = try scratch.bytes("a.tar")
        for index in stride(from: 0, to: whole.count, by: 7) {
            var bytes = whole
            bytes[index] ^= 0x55
            guard var reader = try? ArchiveReader.open(bytes: bytes, name: "flipped") else { continue }
            while let entry = try? reader.nextEntry() {
                if case .file = entry.kind { _ = try? reader.readContent(limit: 1 << 16) }
            }
        }
    }

    @Test func devicesAreNotWritten() throws {
        let scratch = try Scratch("tar-device")
        let writer = try TarWriter.create(at: scratch.file("a.tar"))
        let path = try #require(TreePath("dev/sda"))
        #expect(throws: ArchiveError.self) { try writer.begin(.init(path: path, kind: .other, mode: 0o600)) }
    }
}
