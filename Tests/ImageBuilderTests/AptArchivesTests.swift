import Archive
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage
import Testing

@testable import ImageBuilder

/// Deciding and fetching Debian packages, against a signed archive of the test's own and the machine's apt.
@Suite struct AptArchivesTests {
    private func archives(_ archive: DebianArchive, suite: String = "test") throws -> AptArchives {
        try AptArchives(
            [.init(location: .address(archive.url), suite: suite, components: ["main"], keyring: archive.keyring)],
            cache: archive.scratch.file("cache")
        )
    }

    private func error(_ body: () async throws -> Void) async -> BuildError? {
        do {
            try await body()
            return nil
        } catch { return error as? BuildError }
    }

    @Test func decidesAndFetches() async throws {
        let archive = try await DebianArchive(try Scratch("apt"))
        let archives = try archives(archive)
        #expect(try await archives.refresh() == nil)
        let resolution = try await archives.resolve(["tool"])
        #expect(
            resolution.pins.map(\.name) == ["apt", "base", "tool"],
            "with all that they need, and what every system has"
        )
        #expect(resolution.files.contains("tool_1%3a1.0_amd64.deb"))
        #expect(resolution.installedSize == 60 << 10)
        try await archives.fetch(resolution, ["tool"]) { _, _ in }
        try archives.makeArchive(resolution, ["tool"], at: archive.scratch.file("exact"))
        let packages = try String(decoding: archive.scratch.bytes("exact/Packages"), as: UTF8.self)
        #expect(packages.contains("Filename: ./tool_1%3a1.0_amd64.deb"))
        let sum = try await output(of: "sha256sum", [archive.scratch.file("exact/tool_1%3a1.0_amd64.deb").string])
        #expect(resolution.pins.last?.sha256.description == String(sum.prefix(64)))
        #expect(try DebianPackage.date(of: archive.scratch.file("exact/tool_1%3a1.0_amd64.deb")) > 1_700_000_000)
    }

    @Test("case 48: packages that do not fit are told before one is fetched") func noRoom() async throws {
        let archive = try await DebianArchive(try Scratch("apt-room"))
        let cache = archive.scratch.file("cache")
        let archives = try archives(archive)
        _ = try await archives.refresh()
        let resolution = try await archives.resolve(["tool"])
        var large = resolution
        large.pins[0].size = 1 << 50
        let wanted = large
        let error = await error { try await archives.fetch(wanted, ["tool"]) { _, _ in } }
        #expect(error?.kind == .diskFull, "\(error as Any)")
        #expect(error?.message.contains("the packages that are not here yet") == true)
        #expect(try names(in: cache.appending("packages/debs")).allSatisfy { !$0.hasSuffix(".deb") })
    }

    @Test("case 29: packages of another architecture are refused") func foreign() async throws {
        let archive = try await DebianArchive(try Scratch("apt-foreign"))
        let archives = try archives(archive)
        _ = try await archives.refresh()
        let error = await error { _ = try await archives.resolve(["foreign"]) }
        #expect(error?.message.contains("cannot be installed together") == true, "\(error as Any)")
        #expect(error?.remedy.contains("amd64") == true)
    }

    @Test("case 30: an archive that another key has signed is refused") func strangeKey() async throws {
        let archive = try await DebianArchive(try Scratch("apt-strange"))
        try await archive.makeKey("other")
        try await archive.publish(by: "other")
        let error = await error { _ = try await archives(archive).refresh() }
        #expect(error?.message.hasPrefix("an archive cannot be trusted") == true, "\(error as Any)")
    }

    @Test("case 30: a key that has expired is refused") func expiredKey() async throws {
        let archive = try await DebianArchive(try Scratch("apt-expired"), signingTime: "20200115T000000")
        let error = await error { _ = try await archives(archive).refresh() }
        #expect(error?.message.hasPrefix("an archive cannot be trusted") == true, "\(error as Any)")
    }

    @Test("case 30: a list that changed after it was signed is refused") func changedList() async throws {
        let archive = try await DebianArchive(try Scratch("apt-changed"))
        let list = "archive/dists/test/main/binary-amd64/Packages"
        var bytes = try archive.scratch.bytes(list)
        bytes[10] ^= 1
        _ = try archive.scratch.write(bytes, to: list)
        let error = await error { _ = try await archives(archive).refresh() }
        #expect(error?.kind == .packages, "\(error as Any)")
    }

    @Test("case 30: a package with another hash than the lock's is refused") func changedPackage() async throws {
        let archive = try await DebianArchive(try Scratch("apt-package"))
        let archives = try archives(archive)
        _ = try await archives.refresh()
        let resolution = try await archives.resolve(["tool"])
        var bytes = try archive.scratch.bytes("archive/tool.deb")
        bytes[bytes.count / 2] ^= 1
        _ = try archive.scratch.write(bytes, to: "archive/tool.deb")
        let error = await error { try await archives.fetch(resolution, ["tool"]) { _, _ in } }
        #expect(error?.kind == .packages, "\(error as Any)")
        #expect(!exists(archive.scratch.file("cache/packages/debs/tool_1%3a1.0_amd64.deb")))
    }

    @Test("case 56: without the archives, the lists and packages of before do") func offline() async throws {
        let archive = try await DebianArchive(try Scratch("apt-offline"))
        let archives = try archives(archive)
        _ = try await archives.refresh()
        let before = try await archives.resolve(["tool"])
        try await archives.fetch(before, ["tool"]) { _, _ in }
        remove(archive.scratch.file("archive"))
        // As if the lists were of the day before yesterday.
        try writeFile("\(Int64(time(nil)) - 2 * AptArchives.listsAge)\n".utf8, to: archives.folder.appending("updated"))
        #expect(try await archives.refresh()?.contains("lists of 48 hours ago") == true)
        let after = try await archives.resolve(["tool"])
        #expect(after.pins == before.pins)
        try await archives.fetch(after, ["tool"]) { _, _ in }
    }

    @Test("case 56: without the archives and without lists there is a sentence") func neverOnline() async throws {
        let archive = try await DebianArchive(try Scratch("apt-never"))
        remove(archive.scratch.file("archive"))
        let error = await error { _ = try await archives(archive).refresh() }
        #expect(error?.message.hasPrefix("the archives do not answer") == true, "\(error as Any)")
    }
}
