import Archive
import Glibc
import HostModel
import ImageBuilder
import Subprocess
import Synchronization
import SystemPackage
import Testing

@Suite struct RootImageTests {
    @Test func makesWhatTheDefinitionSays() async throws {
        let sample = try await RootSample()
        let built = try await sample.build().run { _ in }
        let list = try await RootSample.list(built)
        #expect(built.manifest.schema == 2)
        #expect(built.manifest.kernelVersion == SampleImage.release)
        // Files: where the directory really is; the agent; a directory with its own mode.
        #expect(list["usr/lib/tool/conf"] == "-rw-r--r-- 0/0")
        #expect(list["usr/bin/muster-agent"] == "-rwxr-xr-x 0/0")
        #expect(list["rhev"] == "drwx--x--x 0/0")
        // What differs by machine and by build.
        for gone in [
            "etc/hostname", "etc/ssh/ssh_host_rsa_key", "boot/vmlinuz-\(SampleImage.release)", "var/log/app/log",
            "var/cache/apt/pkgcache.bin", "usr/share/doc/tool/README", "usr/share/man", "usr/share/locale/de",
            "usr/lib/modules/\(SampleImage.release)/kernel/sound/unused.ko",
        ] { #expect(list[gone] == nil, "\(gone)") }
        for kept in [
            "usr/share/doc/tool/copyright", "usr/share/locale/en/tool.mo", "var/log/app", "dev", "boot", "tmp",
            "usr/lib/modules/\(SampleImage.release)/kernel/keep/user.ko",
        ] { #expect(list[kept] != nil, "\(kept)") }
        #expect(try await RootSample.content(built, "etc/machine-id") == "")
        let dependencies = "usr/lib/modules/\(SampleImage.release)/modules.dep"
        #expect(!(try await RootSample.content(built, dependencies)).contains("unused"))
    }

    @Test func accountsHaveTheirNumbers() async throws {
        let sample = try await RootSample()
        let built = try await sample.build().run { _ in }
        let list = try await RootSample.list(built)
        let group = try await RootSample.content(built, "etc/group").split(separator: "\n")
        #expect(group.contains("kvm:x:36:"), "the packages' group has moved to its number")
        #expect(group.contains("qemu:x:107:vdsm"))
        #expect(group.contains("taken:x:999:"), "the one that had the number has given way")
        #expect(list["usr/bin/tool"] == "-rwxr-xr-x 0/36", "and its files went along")
        let passwd = try await RootSample.content(built, "etc/passwd").split(separator: "\n")
        #expect(passwd.contains("vdsm:x:36:36::/:/usr/sbin/nologin"))
        #expect(passwd.contains("admin:x:1000:1000::/home/admin:/bin/sh"))
        #expect(passwd.contains("taken:x:107:36::/:/bin/false"), "users keep theirs, in the group's new number")
        let shadow = try await RootSample.content(built, "etc/shadow").split(separator: "\n")
        #expect(shadow.contains("vdsm:!:19675:0:99999:7:::"), "dated by the epoch")
        #expect(shadow.first == "root:*:19675:0:99999:7:::", "no day of the build")
        #expect(list["home/admin/.ssh/authorized_keys"] == "-rw------- 1000/1000")
        #expect(list["home/admin"] == "drwx------ 1000/1000")
    }

    @Test func servicesAreLinked() async throws {
        let sample = try await RootSample()
        let list = try await RootSample.list(try await sample.build().run { _ in })
        let folder = "etc/systemd/system"
        #expect(
            list["\(folder)/multi-user.target.wants/tool.service"]?.hasSuffix(" /usr/lib/systemd/system/tool.service")
                == true
        )
        #expect(list["\(folder)/sockets.target.wants/helper.socket"] != nil, "Also= comes along")
        #expect(
            list["\(folder)/getty.target.wants/screen@tty1.service"]?.hasSuffix(
                "/usr/lib/systemd/system/screen@.service"
            )
                == true
        )
        #expect(list["\(folder)/multi-user.target.wants/old.service"] == nil)
        #expect(list["\(folder)/static.service"]?.hasSuffix(" /dev/null") == true)
    }

    @Test(arguments: [
        ("enable: [tool, screen@tty1]", "enable: [absent]", "no unit absent.service"),
        ("enable: [tool, screen@tty1]", "enable: [static]", "no [Install] section"),
        ("kvm: 36", "mail: 36", "has the number 8 already"),
        ("kvm: 36", "kvm: 8", "belongs to the group mail"),
        ("groups: [qemu]", "groups: [nowhere]", "which is not there"),
        ("root: 8}", "root: 1}\npackages: [bash]", "cannot be added to a finished tree"),
        ("tree: tree.tar", "tree: absent.tar", "is not there"),
        ("files: root-files", "files: bad-files", "is a directory in the tree"),
    ])
    func mistakesAreSentences(old: String, new: String, words: String) async throws {
        let sample = try await RootSample()
        _ = try await output(of: "mkdir", ["-p", sample.scratch.file("bad-files/usr").string])
        _ = try sample.scratch.write([1], to: "bad-files/usr/bin")
        try sample.writeDefinition(RootSample.definition.replacing(old, with: new))
        let error = await buildError(sample.build())
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "none")")
        #expect(error?.remedy.isEmpty == false)
    }

    @Test func theRootImageIsSealed() async throws {
        let sample = try await RootSample()
        try await sample.addRandomFile(mebibytes: 1)
        let built = try await sample.build().run { _ in }
        let file = try #require(built.manifest.file(.root))
        let verity = try #require(file.verity)
        #expect(file.size > verity.dataSize)
        #expect(verity.fileSize == file.size)
        let version = built.manifest.version
        #expect(built.directory.lastComponent?.string == version)
        let report = try await output(of: "sha256sum", ["--check", "--quiet", "SHA256SUMS"], in: built.directory)
        #expect(report == "")
    }

    @Test("case 12: capabilities survive, other attributes do not") func attributes() async throws {
        let sample = try await RootSample()
        _ = try await output(of: "setcap", ["cap_net_raw+ep", sample.tree("usr/bin/tool")])
        _ = try await output(of: "setfattr", ["-n", "trusted.note", "-v", "host", sample.tree("usr/bin/tool")])
        _ = try await output(
            of: "tar",
            [
                "--create", "--file", sample.scratch.file("tree.tar").string, "--directory",
                sample.scratch.file("tree").string, "--sort=name", "--xattrs", "--xattrs-include=*", ".",
            ]
        )
        let built = try await sample.build().run { _ in }
        let place = sample.scratch.file("unpacked").string
        _ = try await output(
            of: "unsquashfs",
            ["-d", place, built.directory.appending("root.squashfs").string, "usr/bin/tool"]
        )
        #expect(try await output(of: "getcap", ["\(place)/usr/bin/tool"]).contains("cap_net_raw=ep"))
        #expect(
            try await output(of: "getfattr", ["-d", "-m", "-", "\(place)/usr/bin/tool"]).contains("trusted") == false
        )
    }

    @Test("case 15: a sparse member is whole; set-uid and the sticky bit stay as the tree says")
    func sparseAndSetUID() async throws {
        let sample = try await RootSample()
        _ = try await output(of: "truncate", ["--size", "3M", sample.tree("var/sparse")])
        _ = try await output(of: "sh", ["-c", "printf end >> \(sample.tree("var/sparse"))"])
        _ = try await output(of: "chmod", ["4755", sample.tree("usr/bin/tool")])
        _ = try await output(of: "chmod", ["1777", sample.tree("var/log/app")])
        let tar = sample.scratch.file("tree.tar").string
        _ = try await output(
            of: "tar",
            ["--create", "--sparse", "--file", tar, "--directory", sample.scratch.file("tree").string, "."]
        )
        #expect(try sample.scratch.bytes("tree.tar").count < 2 << 20, "tar kept the hole")
        let built = try await sample.build().run { _ in }
        let place = sample.scratch.file("unpacked").string
        let image = built.directory.appending("root.squashfs").string
        _ = try await output(of: "unsquashfs", ["-d", place, image, "var/sparse"])
        _ = try await output(of: "cmp", ["\(place)/var/sparse", sample.tree("var/sparse")])
        let list = try await RootSample.list(built)
        #expect(list["usr/bin/tool"]?.hasPrefix("-rwsr-xr-x") == true)
        #expect(list["var/log/app"]?.hasPrefix("drwxrwxrwt") == true)
    }

    @Test("case 14: the build says that access control lists are left out") func accessControlLists() async throws {
        let sample = try await RootSample()
        try sample.write("x", "usr/listed")
        let list = "SCHILY.acl.access:=user::rw-\nuser:7:r--\ngroup::r--\nmask::r--\nother::r--"
        let more = sample.scratch.file("more.tar").string
        let tree = sample.scratch.file("tree").string
        _ = try await output(
            of: "tar",
            ["--create", "--format=pax", "--pax-option", list, "--file", more, "--directory", tree, "./usr/listed"]
        )
        _ = try await output(of: "tar", ["--concatenate", "--file", sample.scratch.file("tree.tar").string, more])
        let details = Mutex<[String]>([])
        _ = try await sample.build().run { progress in
            if progress.stage == .root, progress.isFinished { details.withLock { $0.append(progress.detail) } }
        }
        #expect(details.withLock { $0 }.last?.hasSuffix("without the access control lists of 1 entry") == true)
    }

    /// What a change of the definition makes run again: what follows it, and nothing before it.
    @Test(
        arguments: [
            ("compression: {level: 3", "compression: {level: 1", [.root, .image]),
            ("locales: [en]", "locales: [de]", [.trim, .root, .image]),
            ("mask: [static]", "mask: []", [.customise, .trim, .root, .image]),
            ("root: 8}", "root: 9}", []),
            ("epoch: 1700000000", "epoch: 1700000001", [.customise, .trim, .root, .system, .agent, .node, .image]),
        ] as [(String, String, Set<BuildProgress.Stage>)]
    )
    func onlyWhatFollowsRunsAgain(old: String, new: String, expected: Set<BuildProgress.Stage>) async throws {
        let sample = try await RootSample()
        _ = try await sample.build().run { _ in }
        try sample.writeDefinition(RootSample.definition.replacing(old, with: new))
        #expect(try await stagesRun(by: sample.build()) == expected)
        #expect(try await stagesRun(by: sample.build()) == [])
    }

    @Test func aTreeMayBeADirectory() async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(RootSample.definition.replacing("tree: tree.tar", with: "tree: tree"))
        let built = try await sample.build().run { _ in }
        #expect(try await RootSample.list(built)["usr/bin/tool"] == "-rwxr-xr-x \(getuid())/\(getgid())")
        #expect(try await stagesRun(by: sample.build()) == [])
        try sample.write("changed", "usr/bin/tool")
        #expect(try await stagesRun(by: sample.build()).contains(.base))
    }

    @Test func hardLinksOutliveTheirFirstName() async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(RootSample.definition.replacing("usr/share/nothing", with: "usr/bin/tool"))
        let built = try await sample.build().run { _ in }
        #expect(try await RootSample.list(built)["usr/bin/tool"] == nil)
        #expect(try await RootSample.content(built, "usr/bin/tool-2") == "tool")
    }

    @Test func fastIsQuickAndSaysSoInNothingElse() async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(RootSample.definition.replacing("level: 3", with: "level: 19"))
        let release = try await sample.build().run { _ in }
        var build = sample.build()
        build.isFast = true
        let fast = try await build.run { _ in }
        #expect(fast.manifest.version != release.manifest.version)
        #expect(fast.manifest.file(.initramfs) == release.manifest.file(.initramfs))
    }

    @Test func whatIsTooLargeFails() async throws {
        let sample = try await RootSample()
        try await sample.addRandomFile(mebibytes: 3)
        try sample.writeDefinition(RootSample.definition.replacing("root: 8", with: "root: 2"))
        let error = await buildError(sample.build())
        #expect(error?.kind == .result)
        #expect(error?.message.contains("over the definition's 2") == true, "\(error?.message ?? "")")
    }

    @Test func unknownRolesSurviveTheManifest() throws {
        let file = ImageManifest.File(
            name: "x",
            role: .init(rawValue: "of-tomorrow"),
            size: 1,
            sha256: try #require(Nonce(bytes: [UInt8](repeating: 1, count: 32)))
        )
        #expect(file.role.rawValue == "of-tomorrow")
        #expect(file.role != .kernel)
    }
}

/// The stages that were not at hand.
func stagesRun(by build: ImageBuild) async throws -> Set<BuildProgress.Stage> {
    let made = Mutex<Set<BuildProgress.Stage>>([])
    _ = try await build.run { progress in
        if progress.isFinished, !progress.cached { made.withLock { _ = $0.insert(progress.stage) } }
    }
    return made.withLock { $0 }
}

func buildError(
    _ build: ImageBuild,
    progress: @escaping @Sendable (BuildProgress) -> Void = { _ in }
) async -> BuildError? {
    do {
        _ = try await build.run(progress: progress)
        return nil
    } catch {
        return error as? BuildError
    }
}
