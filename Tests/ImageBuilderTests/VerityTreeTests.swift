import HostModel
import Subprocess
import SystemPackage
import Testing

@testable import ImageBuilder

/// Hash trees, judged by cryptsetup's own reader and writer.
@Suite struct VerityTreeTests {
    private static let salt = Nonce(bytes: (0..<32).map { UInt8($0) })

    private static func data(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 7) }
    }

    private static func arguments(_ verity: RootVerity) -> [String] {
        [
            "--no-superblock", "--data-blocks=\(verity.dataSize / 4096)", "--hash-offset=\(verity.dataSize)",
            "--salt=\(verity.salt)", "--hash=sha256",
        ]
    }

    private static func isVerified(_ file: FilePath, _ verity: RootVerity) async throws -> Bool {
        try await run(
            .name("veritysetup"),
            arguments: Arguments(
                ["verify"] + arguments(verity) + [file.string, file.string, verity.rootHash.description]
            ),
            output: .discarded,
            error: .discarded
        ).terminationStatus.isSuccess
    }

    @Test(
        "the tree is the one that veritysetup makes, over one to three levels",
        arguments: [4096, 8192, 4096 * 128, 4096 * 129, 4096 * 128 * 128 + 4096 * 5]
    )
    func likeVeritysetup(count: Int) async throws {
        let scratch = try Scratch("verity")
        let salt = try #require(Self.salt)
        let data = Self.data(count)
        let ours = try scratch.write(data, to: "ours")
        let verity = try VerityTree.append(to: ours, salt: salt)
        #expect(verity.dataSize == Int64(count))
        #expect(verity.fileSize == Int64(try scratch.bytes("ours").count))
        #expect(try await Self.isVerified(ours, verity))

        let theirs = try scratch.write(data, to: "theirs")
        let printed = try await output(
            of: "veritysetup",
            ["format"] + Self.arguments(verity) + [theirs.string, theirs.string]
        )
        #expect(printed.contains(verity.rootHash.description))
        #expect(try scratch.bytes("theirs") == scratch.bytes("ours"), "the same bytes")
    }

    @Test("data of no whole block is filled up with zeros", arguments: [1, 4095, 4097])
    func padding(count: Int) async throws {
        let scratch = try Scratch("verity")
        let salt = try #require(Self.salt)
        let file = try scratch.write(Self.data(count), to: "root")
        let verity = try VerityTree.append(to: file, salt: salt)
        #expect(verity.dataSize == Int64((count + 4095) / 4096 * 4096))
        #expect(try Array(scratch.bytes("root").prefix(count)) == Self.data(count))
        #expect(try await Self.isVerified(file, verity))
    }

    @Test("case 59: one flipped bit of the data, or of the tree, is found", arguments: [0, 4095, 500_000, 600_000])
    func flipped(offset: Int) async throws {
        let scratch = try Scratch("verity")
        let salt = try #require(Self.salt)
        let file = try scratch.write(Self.data(4096 * 140), to: "root")
        let verity = try VerityTree.append(to: file, salt: salt)
        var bytes = try scratch.bytes("root")
        let place = offset < bytes.count ? offset : bytes.count - 1
        // The tail of a hash block is padding, which nobody reads.
        bytes[place == 600_000 ? Int(verity.dataSize) : place] ^= 1
        let damaged = try scratch.write(bytes, to: "root")
        #expect(try await Self.isVerified(damaged, verity) == false)
    }

    @Test("another salt is another tree; an empty file is refused")
    func saltAndEmptiness() throws {
        let scratch = try Scratch("verity")
        let salt = try #require(Self.salt)
        let first = try VerityTree.append(to: scratch.write(Self.data(8192), to: "a"), salt: salt)
        let second = try VerityTree.append(to: scratch.write(Self.data(8192), to: "b"), salt: .random())
        #expect(first.rootHash != second.rootHash)
        let empty = try scratch.write([], to: "empty")
        #expect(throws: BuildError.self) { try VerityTree.append(to: empty, salt: salt) }
    }
}
