import FoundationEssentials
import Glibc
import ImageBuilder
import Subprocess
import Synchronization
import SystemPackage
import Testing

/// What goes wrong around a build (acceptance cases 31 and 47 to 55), on the built `muster` as a child.
@Suite struct BuilderFaultTests {
    private func arguments(_ sample: RootSample, _ place: String = "a", _ more: [String] = []) -> [String] {
        let build = sample.build(place)
        return [
            "image", "build", build.definition.string, "--no-sign", "--output", build.outputDirectory.string,
            "--cache-directory",
            build.cacheDirectory.string, "--agent", sample.scratch.file("agent").string, "--progress", "json",
        ] + more
    }

    private func manifest(_ sample: RootSample, _ place: String = "a") throws -> [UInt8] {
        try sample.scratch.bytes("\(place)/out/root-sample/current/manifest.json")
    }

    private func text(_ sample: RootSample, _ place: String) throws -> String {
        String(decoding: try manifest(sample, place), as: UTF8.self)
    }

    /// What is mounted in the folder: other tests mount and unmount meanwhile.
    private func mounts(_ sample: RootSample) async throws -> [Substring] {
        let folder = sample.scratch.file("").string
        return try await output(of: "cat", ["/proc/mounts"]).split(separator: "\n").filter { $0.contains(folder) }
    }

    private func unfinished(_ sample: RootSample, _ place: String = "a") async throws -> String {
        try await output(of: "find", [sample.scratch.file(place).string, "-name", "*.unfinished*"])
    }

    @Test("case 47: kill -9 at every stage; the next build goes on and leaves nothing") func killed() async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(
            RootSample.definition.replacing("tree: tree.tar", with: "tree: tree") + "outputs: [pxe, install, iso]\n"
        )
        let whole = try await MusterProgram.run(arguments(sample, "whole"))
        #expect(whole.exit == 0, "\(whole.errors)")
        let before = try await mounts(sample)
        for stage in BuildProgress.Stage.allCases {
            let name = "killed-\(stage.rawValue)"
            let killed = try await MusterProgram.run(arguments(sample, name)) { line, process in
                if line.contains("\"stage\":\"\(stage.rawValue)\"") { kill(process, SIGKILL) }
            }
            #expect(killed.exit == -SIGKILL, "\(stage): \(killed.exit)")
            let place = sample.scratch.file("\(name)/out/root-sample")
            let isWhole = access(place.appending("current").string, F_OK) == 0
            #expect(!isWhole || stage == .image, "\(stage): a killed build published something")
            let again = try await MusterProgram.run(arguments(sample, name))
            #expect(again.exit == 0, "\(stage): \(again.errors)")
            #expect(try text(sample, name) == text(sample, "whole"))
            #expect(try await unfinished(sample, name) == "")
        }
        #expect(try await mounts(sample) == before)
    }

    @Test("case 48: a full disk is one sentence, whichever it is", arguments: ["out", "cache"])
    func fullDisk(name: String) async throws {
        let sample = try await RootSample()
        try await sample.addRandomFile(mebibytes: 3)
        let disk = sample.scratch.file("a/\(name)")
        _ = try await output(of: "mkdir", ["-p", disk.string])
        _ = try await output(of: "mount", ["-t", "tmpfs", "-o", "size=1m", "muster-test", disk.string])
        let error = await buildError(sample.build())
        let left = try await output(of: "find", [disk.string, "-type", "f", "-size", "+64k"])
        _ = try await output(of: "umount", [disk.string])
        #expect(error?.kind == .diskFull, "\(error?.message ?? "no error")")
        #expect(left == "")
    }

    @Test("case 48: without room for the finished image no stage of one that is all initramfs is begun")
    func noRoomForTheOutput() async throws {
        let sample = try await SampleImage()
        let disk = sample.scratch.file("a/out")
        _ = try await output(of: "mkdir", ["-p", disk.string])
        _ = try await output(of: "mount", ["-t", "tmpfs", "-o", "size=1m", "muster-test", disk.string])
        let begun = Mutex<Set<BuildProgress.Stage>>([])
        let error = await buildError(sample.build()) { progress in begun.withLock { _ = $0.insert(progress.stage) } }
        _ = try await output(of: "umount", [disk.string])
        #expect(error?.kind == .diskFull, "\(error?.message ?? "no error")")
        #expect(error?.message.contains("the finished image may need") == true, "\(error?.message ?? "no error")")
        #expect(begun.withLock { $0 } == [])
    }

    @Test("case 48: a read-only file system", arguments: ["out", "cache"]) func readOnly(name: String) async throws {
        let sample = try await RootSample()
        let disk = sample.scratch.file("a/\(name)")
        _ = try await output(of: "mkdir", ["-p", disk.string])
        _ = try await output(of: "mount", ["-t", "tmpfs", "-o", "ro", "muster-test", disk.string])
        let error = await buildError(sample.build())
        _ = try await output(of: "umount", [disk.string])
        #expect(error?.kind == .files, "\(error?.message ?? "no error")")
    }

    @Test("case 49: two builds share cache and output") func together() async throws {
        let sample = try await RootSample()
        async let first = MusterProgram.run(arguments(sample))
        async let second = MusterProgram.run(arguments(sample))
        for outcome in try await [first, second] { #expect(outcome.exit == 0, "\(outcome.errors)") }
        let versions = try await output(of: "ls", [sample.scratch.file("a/out/root-sample").string])
        #expect(versions.split(separator: "\n").count == 2, "one version, and what points to it: \(versions)")
        #expect(try await unfinished(sample) == "")
    }

    @Test("case 50: Ctrl-C ends the tool and cleans up") func interrupted() async throws {
        let sample = try await RootSample()
        try await sample.addRandomFile(mebibytes: 6)
        try sample.writeDefinition(RootSample.definition.replacing("level: 3", with: "level: 22"))
        var isSent = false
        let outcome = try await MusterProgram.run(arguments(sample)) { line, process in
            guard !isSent, line.contains("\"stage\":\"root\"") else { return }
            isSent = kill(process, SIGINT) == 0
        }
        #expect(outcome.exit == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("the build was interrupted"))
        #expect(try await unfinished(sample) == "")
        let left = try await run(
            .name("pgrep"),
            arguments: ["-f", sample.scratch.path.string],
            output: .string(limit: 4096)
        )
        #expect(left.standardOutput == "", "a tool goes on")
        let again = try await MusterProgram.run(arguments(sample))
        #expect(again.exit == 0, "\(again.errors)")
    }

    @Test("case 53: SOURCE_DATE_EPOCH", arguments: ["-1", "x", "1.5", "99999999999999999999", "4294967296", " 5"])
    func wrongEpochs(value: String) async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(RootSample.definition.replacing("epoch: 1700000000", with: ""))
        var build = sample.build()
        build.sourceDateEpoch = value
        let error = await buildError(build)
        #expect(error?.message.contains("SOURCE_DATE_EPOCH") == true, "\(error?.message ?? "none")")
    }

    @Test("case 53: SOURCE_DATE_EPOCH is the time of everything") func epochs() async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(RootSample.definition.replacing("epoch: 1700000000", with: ""))
        let outcome = try await MusterProgram.run(arguments(sample), environment: ["SOURCE_DATE_EPOCH": "86400"])
        #expect(outcome.exit == 0, "\(outcome.errors)")
        let image = sample.scratch.file("a/out/root-sample/current/root.squashfs").string
        let list = try await output(of: "unsquashfs", ["-lln", "-UTC", image]).split(separator: "\n")
        #expect(list.filter { $0.contains(" squashfs-root") }.allSatisfy { $0.contains(" 1970-01-02 00:00 ") })
    }

    @Test("case 53: a clock before the epoch is a sentence") func clocks() async throws {
        let sample = try await RootSample()
        try sample.writeDefinition(RootSample.definition.replacing("epoch: 1700000000", with: "epoch: 4294967295"))
        let error = await buildError(sample.build())
        #expect(error?.message.contains("in the future of this machine's clock") == true, "\(error?.message ?? "none")")
    }

    @Test("case 54: other time zone, language, umask, folder, processors, order: the same bytes")
    func reproducible() async throws {
        let sample = try await RootSample()
        try await sample.addRandomFile(mebibytes: 2)
        try sample.writeDefinition()
        let first = try await MusterProgram.run(arguments(sample, "one"))
        #expect(first.exit == 0, "\(first.errors)")
        // The same files, made in another order, in another place.
        let other = sample.scratch.file("elsewhere/deeper")
        _ = try await output(of: "mkdir", ["-p", other.string])
        for name in [
            "root-files", "files", "agent", "userland.deb", "kernel.deb", "sample.yaml", "tree.tar", "root-sample.yaml",
        ] {
            _ = try await output(of: "cp", ["-r", sample.scratch.file(name).string, other.string])
        }
        let second = try await MusterProgram.run(
            [
                "image", "build", "root-sample.yaml", "--no-sign", "--output", "out", "--cache-directory", "cache",
                "--agent",
                "agent",
            ],
            launcher: ["taskset", "-c", "0", "sh", "-c", "umask 077; exec \"$@\"", "sh"],
            environment: [
                "TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "HOME": "/nowhere",
            ],
            in: other
        )
        #expect(second.exit == 0, "\(second.errors)")
        #expect(
            try sample.scratch.bytes("elsewhere/deeper/out/root-sample/current/manifest.json")
                == manifest(sample, "one")
        )
    }

    @Test("cases 55 and 56: without privilege and without a network, the same bytes") func unprivileged() async throws {
        let sample = try await RootSample()
        let first = try await MusterProgram.run(arguments(sample, "root"))
        #expect(first.exit == 0, "\(first.errors)")
        _ = try await output(of: "chmod", ["-R", "a+rX", sample.scratch.path.string])
        _ = try await output(of: "mkdir", ["-m", "777", sample.scratch.file("nobody").string])
        let second = try await MusterProgram.run(
            arguments(sample, "nobody"),
            launcher: ["unshare", "--net", "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        )
        #expect(second.exit == 0, "\(second.errors)")
        #expect(try text(sample, "root") == text(sample, "nobody"))
    }

    @Test("case 31: an output folder that is a link, and one inside of the tree") func places() async throws {
        let sample = try await RootSample()
        var build = sample.build()
        _ = try await output(
            of: "mkdir",
            ["-p", sample.scratch.file("victim").string, sample.scratch.file("a").string]
        )
        #expect(symlink(sample.scratch.file("victim").string, build.outputDirectory.string) == 0)
        #expect(await buildError(build)?.message.contains("is a symbolic link") == true)
        try sample.writeDefinition(RootSample.definition.replacing("tree: tree.tar", with: "tree: tree"))
        build.outputDirectory = sample.scratch.file("tree/out")
        #expect(await buildError(build)?.message.contains("lies in the tree") == true)
    }

    @Test func linesForPeopleWhoPipe() async throws {
        let sample = try await RootSample()
        var plain = arguments(sample)
        plain.removeLast(2)
        let outcome = try await MusterProgram.run(plain)
        #expect(outcome.exit == 0)
        let stages = outcome.errors.split(separator: "\n").compactMap {
            $0.split(separator: " ").first.map(String.init)
        }
        #expect(
            stages == ["base", "customise", "trim", "root", "packages", "kernel", "system", "agent", "node", "image"]
        )
    }
}
