import Archive
import FoundationEssentials
import Glibc
import HostModel
import ImageBuilder
import Subprocess
import Synchronization
import SystemPackage
import Testing

@Suite struct ImageBuildTests {
    @Test func makesWhatTheDefinitionSays() async throws {
        let sample = try await SampleImage()
        let built = try await sample.build().run { _ in }
        #expect(!built.isUnchanged)
        #expect(built.manifest.name == "sample")
        #expect(built.manifest.kernelVersion == SampleImage.release)
        #expect(built.manifest.kernelArguments == ["quiet"])
        #expect(built.directory.lastComponent?.string == built.manifest.version)
        let entries = try await list(built)
        let modules = "lib/modules/\(SampleImage.release)"
        #expect(entries["\(modules)/kernel/user.ko"] != nil)
        #expect(entries["\(modules)/kernel/provider.ko"] != nil, "depmod's dependency comes along")
        #expect(entries["\(modules)/kernel/unused.ko"] == nil)
        #expect(entries["\(modules)/modules.dep"] != nil)
        #expect(entries["\(modules)/modules.dep.bin"] == nil)
        #expect(entries["init"]?.mode == 0o755)
        #expect(entries["etc/hostname"]?.mode == 0o644)
        #expect(entries["tmp"]?.mode == 0o1777)
        #expect(entries["usr/bin/agent"]?.mode == 0o755)
        #expect(entries["bin/link"]?.kind == .symbolicLink(target: "tool"))
        #expect(entries["bin/other"] == nil)
        #expect(entries["dev/console"]?.kind == .other)
    }

    @Test("a cache that is named relatively is the same folder for tools that work elsewhere")
    func relativeCache() {
        let here = FilePath(FileManager.default.currentDirectoryPath)
        for (named, meant) in [("cache", here.appending("cache")), ("/var/cache/muster", "/var/cache/muster")] {
            let build = ImageBuild(definition: "a.yaml", outputDirectory: "out", cacheDirectory: FilePath(named))
            #expect(build.cacheDirectory == meant)
        }
    }

    @Test func theSumsAreTrue() async throws {
        let sample = try await SampleImage()
        let built = try await sample.build().run { _ in }
        let report = try await output(of: "sha256sum", ["--check", "SHA256SUMS"], in: built.directory)
        let names = ["vmlinuz", "initramfs.zst", "sbom.spdx.json", "packages.json", "manifest.json"]
        #expect(report == names.map { "\($0): OK\n" }.joined())
        let current = sample.build().outputDirectory.appending("sample/current/manifest.json")
        let sums = try await output(of: "cat", [built.directory.appending("SHA256SUMS").string])
        let manifest = try await output(of: "cat", [current.string])
        for line in sums.split(separator: "\n").prefix(3) { #expect(manifest.contains(line.prefix(64))) }
    }

    /// Other folders, another order of making them, other modes under umask: the same bytes.
    @Test func sameInputsSameBytes() async throws {
        let one = try await SampleImage()
        let first = try await one.build("a").run { _ in }
        let second = try await one.build("b/deeper").run { _ in }
        #expect(first.manifest == second.manifest)
        let other = one.scratch.file("copy")
        _ = try await output(of: "mkdir", [other.string])
        for name in ["files", "agent", "sample.yaml", "kernel.deb", "userland.deb"] {
            _ = try await output(of: "cp", ["-r", one.scratch.file(name).string, other.string])
        }
        _ = try await output(of: "chmod", ["-R", "g+w,o-rx", other.appending("files").string])
        let third = ImageBuild(
            definition: other.appending("sample.yaml"),
            outputDirectory: other.appending("out"),
            cacheDirectory: other.appending("cache"),
            agent: other.appending("agent")
        )
        #expect(try await third.run { _ in }.manifest == first.manifest)
    }

    @Test func anUnchangedBuildMakesNothing() async throws {
        let sample = try await SampleImage()
        let first = try await sample.build().run { _ in }
        let made = Mutex<[BuildProgress.Stage]>([])
        let second = try await sample.build().run { progress in
            if progress.isFinished, !progress.cached { made.withLock { $0.append(progress.stage) } }
        }
        #expect(second.isUnchanged)
        #expect(second.manifest == first.manifest)
        #expect(made.withLock { $0 } == [])
    }

    @Test func anotherAgentIsAnotherVersionButTheSameModules() async throws {
        let sample = try await SampleImage()
        let first = try await sample.build().run { _ in }
        try sample.writeAgent("agent 2")
        let made = Mutex<Set<BuildProgress.Stage>>([])
        let second = try await sample.build().run { progress in
            if progress.isFinished, !progress.cached { made.withLock { _ = $0.insert(progress.stage) } }
        }
        #expect(second.manifest.version != first.manifest.version)
        #expect(made.withLock { $0 } == [.agent, .image])
        #expect(access(first.directory.string, F_OK) == 0, "the version before stays")
    }

    @Test func aDamagedOutputIsMended() async throws {
        let sample = try await SampleImage()
        let first = try await sample.build().run { _ in }
        let descriptor = try FileDescriptor.open(first.directory.appending("initramfs.zst"), .writeOnly)
        try descriptor.writeAll([0, 0, 0, 0])
        try descriptor.close()
        let second = try await sample.build().run { _ in }
        #expect(!second.isUnchanged)
        _ = try await output(of: "sha256sum", ["--check", "--quiet", "SHA256SUMS"], in: second.directory)
    }

    @Test("media are made once, listed in the manifest, and carry a manifest without themselves")
    func mediaOfAnImage() async throws {
        let sample = try await SampleImage()
        let plain = try await sample.build("plain").run { _ in }
        try sample.writeDefinition("outputs: [pxe, iso, disk]")
        let first = try await sample.build().run { _ in }
        #expect(
            first.manifest.files.map(\.name) == [
                "vmlinuz", "initramfs.zst", "sample.iso", "sample.img", "sbom.spdx.json", "packages.json",
            ]
        )
        #expect(first.manifest.version == plain.manifest.version, "media are no part of the version")
        let sums = try await output(of: "cat", [first.directory.appending("SHA256SUMS").string])
        #expect(!sums.contains("media.json\n"), "a note of the builder is no part of the image")
        _ = try await output(of: "sha256sum", ["--check", "--quiet", "SHA256SUMS"], in: first.directory)
        let inside = try await output(
            of: "isoinfo",
            ["-i", first.directory.appending("sample.iso").string, "-R", "-x", "/muster/manifest.json"]
        )
        var bare = plain.manifest
        bare.files.removeAll { [.sbom, .packages].contains($0.role) }
        #expect(try JSONDecoder().decode(ImageManifest.self, from: Data(inside.utf8)) == bare)
        let made = Mutex<[BuildProgress.Stage]>([])
        let second = try await sample.build().run { progress in
            if progress.isFinished, !progress.cached { made.withLock { $0.append(progress.stage) } }
        }
        #expect(second.isUnchanged && second.manifest == first.manifest)
        #expect(made.withLock { $0 } == [])
        let descriptor = try FileDescriptor.open(first.directory.appending("sample.iso"), .writeOnly)
        try descriptor.writeAll([1, 2, 3])
        try descriptor.close()
        let third = try await sample.build().run { _ in }
        #expect(!third.isUnchanged && third.manifest == first.manifest)
        _ = try await output(of: "sha256sum", ["--check", "--quiet", "SHA256SUMS"], in: third.directory)
    }

    @Test func aMediumWithoutAMenuHasARemedy() async throws {
        let sample = try await SampleImage()
        try sample.writeDefinition("outputs: [iso]")
        var build = sample.build()
        build.menuTemplate = nil
        #expect(await error(of: build)?.remedy.contains("--pxe-directory") == true)
    }

    @Test func theDefinitionsEpochWins() async throws {
        let sample = try await SampleImage()
        try sample.writeDefinition("epoch: 5")
        let entries = try await list(try await sample.build().run { _ in })
        #expect(Set(entries.values.map(\.modified)) == [5])
    }

    @Test func appletsOfNothingAreAnError() async throws {
        let sample = try await SampleImage()
        try sample.writeDefinition("applets: bin/none")
        #expect(await error(of: sample.build())?.kind == .definition)
    }

    @Test func whatIsTooLargeFailsAndLeavesNoVersion() async throws {
        let sample = try await SampleImage()
        try sample.writeAgent(String((0..<400_000).map { _ in Character(UnicodeScalar(UInt8.random(in: 33...126))) }))
        try sample.writeDefinition("size-limit-mib: 1")
        // Random text of 6.6 bits a byte: 400 kB stay 330 kB; four of them are over the limit.
        for name in ["a", "b", "c", "d"] {
            let text = String((0..<400_000).map { _ in Character(UnicodeScalar(UInt8.random(in: 33...126))) })
            _ = try sample.scratch.write(Array(text.utf8), to: "files/\(name)")
        }
        let error = await error(of: sample.build())
        #expect(error?.kind == .result)
        #expect(try versions(sample.build()) == [])
    }

    @Test func aMissingAgentHasARemedy() async throws {
        let sample = try await SampleImage()
        var build = sample.build()
        build.agent = nil
        #expect(await error(of: build)?.remedy.contains("make agent") == true)
        build.agent = "/no/such/agent"
        #expect(await error(of: build)?.message.contains("/no/such/agent") == true)
    }

    @Test func aFileThatThePackageLacksIsNamed() async throws {
        let sample = try await SampleImage()
        let text = try String(decoding: sample.scratch.bytes("sample.yaml"), as: UTF8.self)
        _ = try sample.scratch.write(Array(text.replacing("bin/link", with: "bin/absent").utf8), to: "sample.yaml")
        let error = await error(of: sample.build())
        #expect(error?.message.contains("bin/absent") == true)
        #expect(try versions(sample.build()) == [])
    }

    /// A small file system of its own takes the cache: the build sees that beforehand.
    @Test func aFullDiskIsOneClearSentence() async throws {
        let sample = try await SampleImage()
        let disk = sample.scratch.file("disk")
        _ = try await output(of: "mkdir", [disk.string])
        _ = try await output(of: "mount", ["-t", "tmpfs", "-o", "size=256k", "muster-test", disk.string])
        var build = sample.build()
        build.outputDirectory = disk
        let random = (0..<600_000).map { _ in UInt8.random(in: 0...255) }
        _ = try sample.scratch.write(random, to: "files/large")
        let error = await error(of: build)
        let left = try await output(of: "find", [disk.string, "-type", "f", "-size", "+0"])
        _ = try await output(of: "umount", [disk.string])
        #expect(error?.kind == .diskFull, "\(error?.message ?? "no error")")
        #expect(left == "")
    }

    /// Both want the same directories; one waits for the other.
    @Test func twoBuildsAtOnceAgree() async throws {
        let sample = try await SampleImage()
        async let first = sample.build().run { _ in }
        async let second = sample.build().run { _ in }
        let both = try await [first, second]
        #expect(both[0].manifest == both[1].manifest)
        #expect(both.filter(\.isUnchanged).count == 1)
    }

    private func error(of build: ImageBuild) async -> BuildError? {
        do {
            _ = try await build.run { _ in }
            return nil
        } catch {
            return error as? BuildError
        }
    }

    private func versions(_ build: ImageBuild) throws -> [String] {
        guard let folder = opendir(build.outputDirectory.appending("sample").string) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// The kernel reads one archive after the other; so does this.
    private func list(_ built: BuiltImage) async throws -> [String: ArchiveEntry] {
        let scratch = try Scratch("list")
        var entries: [String: ArchiveEntry] = [:]
        for (number, member) in try members(built).enumerated() {
            var reader = try ArchiveReader.open(try scratch.write(member, to: "\(number)"))
            while let entry = try reader.nextEntry() { entries[entry.path.text] = entry }
        }
        return entries
    }

    /// The zstd frames of the initramfs, by the magic number at which each starts.
    private func members(_ built: BuiltImage) throws -> [[UInt8]] {
        let descriptor = try FileDescriptor.open(built.directory.appending("initramfs.zst"), .readOnly)
        defer { try? descriptor.close() }
        let size = try descriptor.seek(offset: 0, from: .end)
        try descriptor.seek(offset: 0, from: .start)
        let bytes = try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
        let starts = bytes.indices.dropLast(3).filter { Array(bytes[$0..<$0 + 4]) == magic }
        return zip(starts, starts.dropFirst() + [bytes.count]).map { Array(bytes[$0..<$1]) }
    }
}
