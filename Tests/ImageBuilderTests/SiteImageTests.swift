import Archive
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct SiteImageTests {
    static let words = [
        "management_server=engine.example.com:443", "ip=192.0.2.7::192.0.2.1:255.255.255.0:node7:eth0:none",
        "nameserver=192.0.2.53",
    ]

    /// implantisomd5 has no use here: an MD5 over the medium would have to be implanted anew after every embed, and nobody's
    /// node checks it; SHA256SUMS and the signature say more.
    @Test("case 45: embed, embed again and reset give the original SHA-256", arguments: MediumWithSite.Kind.allCases)
    func media(kind: MediumWithSite.Kind) async throws {
        let medium = try await MediumWithSite(kind, isMarked: false)
        let before = try measure(medium.path)
        #expect(try SiteImage(medium.path).values == nil)
        let values = try SiteValues(arguments: Self.words, authority: "-----BEGIN CERTIFICATE-----\n")
        try SiteImage(medium.path).embed(try SiteValues(arguments: ["hostname=first"]))
        try SiteImage(medium.path).embed(values)
        let image = try SiteImage(medium.path)
        #expect(image.values == values)
        #expect(try image.originalDigest() == before.sha256)
        #expect(try measure(medium.path).size == before.size)
        #expect(try measure(medium.path).sha256 != before.sha256)
        try await onlyTheAreaDiffers(medium, image)
        #expect(try image.reset() == before.sha256)
        #expect(try measure(medium.path) == before)
        #expect(try SiteImage(medium.path).reset() == before.sha256, "a second reset changes nothing")
    }

    @Test("case 45: an initramfs grows by a padded archive and shrinks again", arguments: [0, 1, 2, 3])
    func initramfs(odd: Int) async throws {
        let scratch = try Scratch("initramfs")
        let file = scratch.file("initramfs")
        var writer = try CpioWriter.create(at: file, compression: .zstd(level: 1), epoch: 0)
        var tree = FileTree()
        try tree.add(.file(.bytes(Array("init".utf8)), mode: 0o755), at: try #require(TreePath("init")))
        try writer.append(tree)
        try writer.finish()
        let plain = try scratch.bytes("initramfs") + [UInt8](repeating: 0, count: odd)
        _ = try scratch.write(plain, to: "initramfs")
        let before = try measure(file)
        #expect(symlink("initramfs", scratch.file("link").string) == 0)
        let values = try SiteValues(arguments: Self.words)
        try SiteImage(scratch.file("link")).embed(try SiteValues(arguments: ["hostname=first"]))
        try SiteImage(scratch.file("link")).embed(values)
        let after = try scratch.bytes("initramfs")
        #expect(Array(after.prefix(plain.count)) == plain)
        #expect(after.count % 4 == 0 && after.count - plain.count - SiteArea.appendedSize < 4)
        let sections = try InitramfsSections(after)
        #expect(sections.sections.map(\.compression) == ["zstd", "none"])
        let last = try #require(sections.sections.last)
        #expect(try sections.files(of: last, hashing: false).map(\.path).contains("etc/muster/site/arguments"))
        #expect(last.offset % 4 == 0)
        let listed = try await output(of: "sh", ["-c", "tail -c 65536 \"$0\" | cpio -t --quiet", file.string])
        #expect(listed.hasPrefix("etc\netc/muster\netc/muster/site\n"))
        #expect(try SiteImage(file).reset() == before.sha256)
        #expect(try measure(file) == before)
        #expect(try names(in: scratch.path) == ["initramfs", "link"])
    }

    @Test("case 45: what is too large is refused, and the image is as it was") func tooLarge() async throws {
        let medium = try await MediumWithSite(.iso, isMarked: false)
        let before = try measure(medium.path)
        let word = "x=" + String(repeating: "y", count: SiteValues.argumentsBytesMax)
        #expect(throws: BuildError.self) { try SiteValues(arguments: [word]) }
        let large = String(repeating: "c", count: SiteValues.authorityBytesMax + 1)
        #expect(throws: BuildError.self) { try SiteValues(arguments: [], authority: large) }
        let content = SiteContent(values: try SiteValues(arguments: Self.words), original: before.sha256, padding: 0)
        #expect(try content.encode(size: 500) == nil)
        #expect(try measure(medium.path) == before)
    }

    @Test("case 46: a truncated ISO is refused and left alone") func truncated() async throws {
        let medium = try await MediumWithSite(.hybridISO, isMarked: false)
        let size = try measure(medium.path).size
        #expect(truncate(medium.path.string, off_t(size - 700_000)) == 0)
        let before = try measure(medium.path)
        let error = #expect(throws: BuildError.self) { try SiteImage(medium.path) }
        #expect(error?.message.contains("cut off") == true)
        #expect(try measure(medium.path) == before)
    }

    @Test("case 45: an area that a killed embed left half written is seen, and reset mends it") func halfWritten()
        async throws
    {
        let medium = try await MediumWithSite(.iso, isMarked: false)
        let before = try measure(medium.path)
        try SiteImage(medium.path).embed(try SiteValues(arguments: Self.words))
        let area = try SiteImage(medium.path).area
        let file = try FileDescriptor.open(medium.path, .readWrite)
        try file.closeAfter { _ = try file.writeAll(toAbsoluteOffset: area.offset + 200, Array("torn".utf8)) }
        let torn = try SiteImage(medium.path)
        #expect(torn.values == nil && torn.areaIsDamaged)
        #expect(try torn.reset() == before.sha256)
        #expect(try measure(medium.path) == before)
    }

    @Test("case 45: a reset that does not give the original back says so") func changedBetween() async throws {
        let medium = try await MediumWithSite(.iso, isMarked: false)
        try SiteImage(medium.path).embed(try SiteValues(arguments: Self.words))
        let file = try FileDescriptor.open(medium.path, .readWrite)
        try file.closeAfter { _ = try file.writeAll(toAbsoluteOffset: 1000, [1]) }
        #expect(throws: BuildError.self) { try SiteImage(medium.path).reset() }
        #expect(try SiteImage(medium.path).values == nil)
    }

    /// Verified images stay verified: the hash is that of the image as built.
    @Test func verificationSeesTheImageAsBuilt() throws {
        let image = try SealedImage()
        try SiteImage(image.scratch.file("initramfs.zst")).embed(try SiteValues(arguments: Self.words))
        let checks = try image.verification().run()
        #expect(checks.filter { !$0.isPassed } == [])
        #expect(checks.first { $0.subject == "initramfs.zst" }?.detail.contains("embed show") == true)
        let file = try FileDescriptor.open(image.scratch.file("initramfs.zst"), .readWrite)
        try file.closeAfter { _ = try file.writeAll(toAbsoluteOffset: 8, Array("I".utf8)) }
        #expect(try image.failures() == ["initramfs.zst"])
    }

    @Test(arguments: ["", "a b", "a\"b", "a\nb", "ä", "ip=1.2.3", "management_server=a:b:c", "vlan=eth0.1:eth0:x"])
    func unusableArguments(word: String) { #expect(throws: BuildError.self) { try SiteValues(arguments: [word]) } }

    @Test func contentSurvivesARoundTrip() throws {
        let digest = try #require(Nonce(hex: String(repeating: "c3", count: 32)))
        for authority in [nil, "", "text\n"] {
            for arguments in [[], ["a"], Self.words] {
                let values = try SiteValues(arguments: arguments, authority: authority)
                let content = SiteContent(values: values, original: digest, padding: 3)
                let bytes = try #require(try content.encode(size: 4096))
                #expect(SiteContent(bytes) == content)
            }
        }
    }

    @Test func everyPrefixAndEveryChangedByteOfContent() throws {
        let digest = try #require(Nonce(hex: String(repeating: "c3", count: 32)))
        let content = SiteContent(values: try SiteValues(arguments: Self.words), original: digest, padding: 1)
        let bytes = try #require(try content.encode(size: 2048))
        let length = try #require(NewcArchive.decode(bytes)?.length)
        for count in 0..<length { #expect(SiteContent(Array(bytes.prefix(count))) == nil) }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x20
            #expect(SiteContent(changed) != content)
        }
    }

    private func onlyTheAreaDiffers(_ medium: MediumWithSite, _ image: SiteImage) async throws {
        let now = try medium.bytes()
        let area = Int(image.areaOffset)..<Int(image.areaOffset) + image.areaSize
        let found = SiteContent(Array(now[area]))
        #expect(found?.values == image.values)
        guard image.area.place == .reserved(container: "ISO") else { return }
        let copy = medium.scratch.file("copy").string
        let disk = ["-osirrox", "on", "-indev", medium.path.string, "-extract", "/muster/site.img", copy]
        _ = try await output(of: "xorriso", disk)
        #expect(try medium.scratch.bytes("copy") == Array(now[area]))
    }
}
