import Archive
import FoundationEssentials
import Glibc
import ImageBuilder
import SystemPackage
import Testing

/// Archives that a site may be handed as the tree of an image (acceptance cases 17 to 24 and 26). Made by GNU tar and by
/// hand; nothing of them may get into an image, nor onto this machine.
@Suite struct HostileTreeTests {
    /// Members of a tar archive by hand: name, type flag, link target, content.
    struct Member: Sendable {
        var name: String
        var type: Character = "0"
        var target = ""
        var content = ""
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var members: [Member]
        var words: String
    }

    static let cases = [
        Case(testDescription: "case 17: ../x", members: [.init(name: "../x")], words: "leads out"),
        Case(testDescription: "case 17: /abs", members: [.init(name: "/abs")], words: "leads out"),
        Case(testDescription: "case 17: a/../../x", members: [.init(name: "a/../../x")], words: "leads out"),
        Case(
            testDescription: "case 18: a link, then a file through it",
            members: [.init(name: "a", type: "2", target: "/etc"), .init(name: "a/passwd", content: "evil")],
            words: "stands below a, which is no directory"
        ),
        Case(
            testDescription: "case 18: a link deep above",
            members: [.init(name: "a", type: "2", target: "/etc"), .init(name: "a/b/c/d", content: "evil")],
            words: "stands below a, which is no directory"
        ),
        Case(
            testDescription: "case 19: a hard link to outside",
            members: [.init(name: "shadow", type: "1", target: "/etc/shadow")],
            words: "leads out"
        ),
        Case(
            testDescription: "case 19: a hard link to what is not there",
            members: [.init(name: "shadow", type: "1", target: "etc/shadow")],
            words: "is a hard link to etc/shadow"
        ),
        Case(
            testDescription: "case 20: a hard link to a symbolic link",
            members: [.init(name: "a", type: "2", target: "/etc/shadow"), .init(name: "b", type: "1", target: "a")],
            words: "is a hard link to a"
        ),
        Case(
            testDescription: "case 21: the same file twice",
            members: [.init(name: "a", content: "1"), .init(name: "./a", content: "2")],
            words: "is there twice"
        ),
        Case(
            testDescription: "case 21: a file over a directory",
            members: [.init(name: "a/", type: "5"), .init(name: "a")],
            words: "is there twice"
        ),
        Case(
            testDescription: "case 21: a directory over a symbolic link",
            members: [.init(name: "a", type: "2", target: "/etc"), .init(name: "a/", type: "5")],
            words: "is there twice"
        ),
        Case(
            testDescription: "case 24: a block device",
            members: [.init(name: "sda", type: "4")],
            words: "is a device"
        ),
        Case(testDescription: "case 24: a pipe", members: [.init(name: "pipe", type: "6")], words: "is a device"),
        Case(testDescription: "case 26: a whiteout", members: [.init(name: "etc/.wh.passwd")], words: "is a whiteout"),
    ]

    /// A definition whose tree is the hostile archive; nothing else of it is ever read.
    private func build(in scratch: Scratch) throws -> ImageBuild {
        let stage1 = "name: s\narchitecture: x86_64\nkernel: {package: kernel.deb}\n"
        _ = try scratch.write(Array(stage1.utf8), to: "stage1.yaml")
        let text = "name: root-sample\narchitecture: x86_64\nbase: {tree: tree.tar}\nstage1: stage1.yaml\nepoch: 5\n"
        _ = try scratch.write(Array(text.utf8), to: "x.yaml")
        return ImageBuild(
            definition: scratch.file("x.yaml"),
            outputDirectory: scratch.file("out"),
            cacheDirectory: scratch.file("cache")
        )
    }

    @Test("A27: what no tree may hold is refused before anything is made of it", arguments: cases)
    func isRefused(_ hostile: Case) async throws {
        let scratch = try Scratch("hostile")
        _ = try scratch.write(Self.tar(hostile.members), to: "tree.tar")
        let build = try build(in: scratch)
        let error = await buildError(build)
        let message = error?.message ?? "none"
        #expect(message.contains(hostile.words), "\(message)")
        #expect(!exists(build.outputDirectory.appending("root-sample")))
    }

    @Test("case 22: a bomb is refused by its header, before the disk is full") func bomb() async throws {
        let scratch = try Scratch("bomb")
        _ = try scratch.write(Self.tar([Member(name: "zeros")], size: 65 << 30), to: "tree.tar")
        let error = await buildError(try build(in: scratch))
        #expect(error?.message.contains("larger than 64 GiB") == true, "\(error?.message ?? "none")")
    }

    @Test("case 23: an archive that is cut off or damaged is refused", arguments: ["gzip", "xz", "zstd"])
    func damagedArchives(program: String) async throws {
        let sample = try await RootSample()
        let tar = sample.scratch.file("tree.tar").string
        _ = try await output(of: program, ["-q", "-k", "-f", tar])
        let suffix = ["gzip": "gz", "xz": "xz", "zstd": "zst"][program] ?? ""
        let whole = try sample.scratch.bytes("tree.tar.\(suffix)")
        _ = try sample.scratch.write(whole, to: "tree.tar")
        #expect(await buildError(sample.build("whole")) == nil, "whole it is taken")
        _ = try sample.scratch.write(Array(whole.dropLast(whole.count / 3)), to: "tree.tar")
        #expect(await buildError(sample.build("cut"))?.kind != nil)
        var flipped = whole
        flipped[whole.count / 2] ^= 0xFF
        _ = try sample.scratch.write(flipped, to: "tree.tar")
        #expect(await buildError(sample.build("flipped"))?.kind != nil)
    }

    /// ustar headers (POSIX.1-1988, IEEE P1003.1).
    static func tar(_ members: [Member], size: Int? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        for member in members {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, at offset: Int) {
                for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
            }
            let length = size ?? member.content.utf8.count
            let digits = String(length, radix: 8)
            put(member.name, at: 0)
            put("0000755\0", at: 100)
            put("0000000\0", at: 108)
            put("0000000\0", at: 116)
            if digits.count <= 11 {
                put(String(repeating: "0", count: 11 - digits.count) + digits + "\0", at: 124)
            } else {
                // GNU's base-256: the first bit, then a big-endian number.
                header[124] = 0x80
                for index in 0..<8 { header[128 + index] = UInt8(truncatingIfNeeded: length >> (56 - 8 * index)) }
            }
            put("14512345670\0", at: 136)
            put("        ", at: 148)
            put(String(member.type), at: 156)
            put(member.target, at: 157)
            put("ustar\0" + "00", at: 257)
            let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
            put(String(repeating: "0", count: 6 - sum.count) + sum + "\0 ", at: 148)
            bytes += header
            bytes += Array(member.content.utf8)
            bytes += [UInt8](repeating: 0, count: (512 - member.content.utf8.count % 512) % 512)
        }
        return bytes + [UInt8](repeating: 0, count: 1024)
    }
}

private func exists(_ path: FilePath) -> Bool { FileManager.default.fileExists(atPath: path.string) }
