import Archive
import HostModel
import Signing
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct ImageInspectionTests {
    @Test func aBuiltImageIsTakenApart() async throws {
        let sample = try await SampleImage()
        let built = try await sample.build().run { _ in }
        let contents = try await ImageInspection(built.directory, hashesFiles: true).run()
        #expect(contents.title == "sample@\(built.manifest.version), kernel \(SampleImage.release)")
        let archives = contents.parts.filter { $0.name.hasPrefix("initramfs archive") }
        #expect(archives.map(\.name) == ["initramfs archive 1", "initramfs archive 2", "initramfs archive 3"])
        #expect(archives.reduce(0) { $0 + $1.size } == built.manifest.file(.initramfs)?.size)
        #expect(contents.modules.map(\.path).sorted().map { $0.suffix(12) }.contains("/provider.ko".suffix(12)))
        #expect(contents.files.contains { $0.path == "usr/bin/agent" && $0.size == 7 })
        #expect(contents.packages.map(\.name).sorted() == ["kernel.deb", "muster-agent", "userland.deb"])
        #expect(contents.largest(1).files.count == 1)
    }

    @Test("the root image is read where it lies on the medium", arguments: ["iso", "disk"])
    func rootOnAMedium(_ output: String) async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(RootSample.definition + "outputs: [pxe, \(output)]\n")
        var build = sample.build()
        build.menuTemplate = Project.root.appending("pxe/grub.cfg.template")
        let built = try await build.run { _ in }
        let folder = try await ImageInspection(built.directory, hashesFiles: true).run()
        let file = try #require(built.manifest.files.first { $0.role.rawValue == output })
        let medium = try await ImageInspection(built.directory.appending(file.name), hashesFiles: true).run()
        #expect(medium.title.hasSuffix("with root-sample@\(built.manifest.version), kernel \(SampleImage.release)"))
        let tool = try #require(folder.files.first { $0.path == "usr/lib/tool/conf" })
        #expect(medium.files.contains(tool))
        #expect(medium.parts.contains { $0.name == "tree of root.squashfs" && $0.unpackedSize != nil })
    }

    @Test func twoImagesDifferInWhatDiffers() async throws {
        let sample = try await SampleImage()
        let first = try await sample.build("a").run { _ in }
        try sample.writeAgent("agent 2")
        _ = try sample.scratch.write(Array("new".utf8), to: "files/etc/new")
        let second = try await sample.build("b").run { _ in }
        let before = try await ImageInspection(first.directory, hashesFiles: true).run()
        let after = try await ImageInspection(second.directory, hashesFiles: true).run()
        let difference = ImageDifference(from: before, to: after)
        #expect(
            difference.files == [
                .init(name: "etc/new", change: .added, before: nil, after: 3),
                .init(name: "usr/bin/agent", change: .changed, before: 7, after: 7),
            ]
        )
        #expect(difference.packages == [])
        #expect(ImageDifference(from: before, to: before).isEmpty)
        #expect(difference.parts.contains { $0.name == "initramfs.zst" && $0.change == .changed })
        var kernel = before
        kernel.parts[0].sha256 = after.parts[1].sha256
        #expect(ImageDifference(from: before, to: kernel).parts.map(\.name) == ["vmlinuz"], "of the same size")
    }

    @Test func packagesDifferByVersion() {
        var before = ImageContents(path: "a", title: "a")
        before.packages = [.init(name: "bash", version: "1"), .init(name: "gone", version: "1")]
        var after = before
        after.packages = [.init(name: "bash", version: "2"), .init(name: "new", version: "1")]
        #expect(
            ImageDifference(from: before, to: after).packages == [
                .init(name: "bash", change: .changed, before: "1", after: "2"),
                .init(name: "gone", change: .removed, before: "1", after: nil),
                .init(name: "new", change: .added, before: nil, after: "1"),
            ]
        )
    }

    /// Raw and compressed, with the padding that the kernel wants.
    @Test(
        "case 2: archives one after the other",
        arguments: [["none", "zstd"], ["zstd", "none", "zstd"], ["none", "gzip"]]
    )
    func sections(kinds: [String]) throws {
        let scratch = try Scratch("sections")
        var bytes: [UInt8] = []
        for (number, kind) in kinds.enumerated() {
            bytes += [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4 + (number == 1 ? 8 : 0))
            let compression: CpioWriter.Compression = ["none": .none, "zstd": .zstd(level: 3)][kind] ?? .gzip(level: 6)
            var writer = try CpioWriter.create(at: scratch.file("part"), compression: compression, epoch: 0)
            var tree = FileTree()
            // Large enough for several zstd blocks.
            let content = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
            try tree.add(.file(.bytes(content), mode: 0o644), at: try #require(TreePath("file\(number)")))
            try writer.append(tree)
            try writer.finish()
            bytes += try scratch.bytes("part")
        }
        let sections = try InitramfsSections(bytes)
        #expect(sections.sections.map(\.compression) == kinds)
        for (number, section) in sections.sections.enumerated() {
            #expect(try sections.files(of: section, hashing: false).map(\.path) == ["file\(number)"])
        }
        for count in stride(from: 10, to: bytes.count, by: 9973) {
            _ = try? InitramfsSections(Array(bytes.prefix(count)))
        }
        // Behind a gzip no border can be seen.
        let takesMore = (try? InitramfsSections(bytes + [1, 2, 3, 4])) != nil
        #expect(takesMore == (kinds.last == "gzip"))
    }

    @Test func aSquashfsWithADpkgDatabase() async throws {
        let scratch = try Scratch("squashfs")
        _ = try await output(
            of: "mkdir",
            ["-p", scratch.file("tree/var/lib/dpkg").string, scratch.file("tree/etc").string]
        )
        let status = "Package: bash\nStatus: install ok installed\nVersion: 5.2\nInstalled-Size: 7\n\n"
        _ = try scratch.write(Array(status.utf8), to: "tree/var/lib/dpkg/status")
        _ = try scratch.write([UInt8](repeating: 1, count: 5000), to: "tree/etc/a name with blanks")
        let file = scratch.file("root.squashfs")
        let arguments = [scratch.file("tree").string, file.string, "-quiet", "-no-progress", "-processors", "1"]
        _ = try await output(of: "mksquashfs", arguments)
        let contents = try await ImageInspection(file).run()
        #expect(contents.title == "squashfs")
        #expect(contents.packages == [.init(name: "bash", version: "5.2", size: 7168)])
        #expect(contents.largest(1).files == [ListedFile(path: "etc/a name with blanks", size: 5000)])
    }

    @Test func anISOAndADiskImage() async throws {
        let iso = try await MediumWithSite(.iso)
        let listed = try await ImageInspection(iso.path).run()
        #expect(listed.title == "ISO, volume NODE_TEST")
        #expect(
            listed.parts.map(\.name) == ["boot/a file with a long name", "muster/initramfs.zst", "muster/site.img"]
        )
        #expect(listed.parts.map(\.size) == [5000, 70_000, Int64(MediumWithSite.areaSize)])
        let disk = try await MediumWithSite(.fat16)
        #expect(try await ImageInspection(disk.path).run().parts.map(\.name) == ["ESP"])
    }

    @Test(
        "a built medium shows the image that it carries: its name, and what is in its initramfs",
        arguments: ["iso", "img"]
    )
    func carriedImage(suffix: String) async throws {
        let sample = try await SampleImage()
        try sample.writeDefinition("outputs: [pxe, iso, disk]")
        let built = try await sample.build().run { _ in }
        let folder = try await ImageInspection(built.directory, hashesFiles: true).run()
        let medium = try await ImageInspection(built.directory.appending("sample.\(suffix)"), hashesFiles: true).run()
        #expect(medium.title.hasSuffix(", with sample@\(built.manifest.version), kernel \(SampleImage.release)"))
        #expect(medium.files == folder.files && medium.modules == folder.modules)
        #expect(medium.files.contains { $0.path == "etc/hostname" })
    }

    @Test func certificatesAreInTheInitramfs() async throws {
        let sample = try await SampleImage()
        var build = sample.build()
        let unsigned = try await build.run { _ in }
        build.signer = try SealedImage.signer.get()
        let signed = try await build.run { _ in }
        #expect(signed.manifest.version != unsigned.manifest.version)
        let files = try await ImageInspection(signed.directory).run().files
        #expect(files.contains { $0.path == "etc/muster/image-signing.pem" })
        let verification = ImageVerification(folder: signed.directory, trusted: try SealedImage.signer.get().trusted)
        #expect(try verification.run().filter { !$0.isPassed } == [])
        #expect(try await build.run { _ in }.isUnchanged)
    }
}
