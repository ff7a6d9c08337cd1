import FoundationEssentials
import Glibc
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite(.serialized) struct MediumWriteTests {
    @Test("two writes in other places are bit-identical, with either GRUB", arguments: [true, false])
    func sameBytes(secureBoot: Bool) async throws {
        var first = try SampleMedium(root: Array("root".utf8))
        var second = try SampleMedium(root: Array("root".utf8))
        first.medium.secureBoot = secureBoot
        second.medium.secureBoot = secureBoot
        let (iso, image) = (try await first.writeISO(), try await first.writeDisk())
        _ = try await output(of: "cmp", [iso.string, try await second.writeISO().string])
        _ = try await output(of: "cmp", [image.string, try await second.writeDisk().string])
    }

    /// The program as a process of its own: time zone, umask, working directory and environment belong to a process.
    @Test("case 54: other time zone, locale, directory, umask and processors: every file is bit-identical")
    func sameBuild() async throws {
        let sample = try await SampleImage()
        try sample.writeDefinition("outputs: [pxe, iso, disk]")
        let variants = [
            ("one", "022", "/", "0-1023", ["TZ": "UTC", "LC_ALL": "C"]),
            ("other", "077", "/usr", "0", ["TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8"]),
        ]
        let program = try FilePath(#require(Self.programs)).appending("muster")
        for (name, mask, directory, processors, environment) in variants {
            let place = sample.scratch.file(name)
            let arguments =
                [
                    "-c", "umask \(mask) && cd \(directory) && exec \"$@\"", "sh", "taskset", "-c", processors,
                    program.string, "image", "build",
                ]
                + [sample.scratch.file("sample.yaml").string, "--agent", sample.scratch.file("agent").string]
                + ["--output", place.string, "--cache-directory", place.appending("cache").string]
                + ["--pxe-directory", Project.root.appending("pxe").string]
            // A key of the test's own, and not of whoever runs it.
            let home = "XDG_CONFIG_HOME=\(sample.scratch.file("config"))"
            let variables = environment.map { "\($0)=\($1)" } + [home]
            _ = try await output(of: "env", variables + ["sh"] + arguments)
        }
        let list = try await output(of: "ls", [sample.scratch.file("one/sample/current").string])
        let files = list.split(separator: "\n").map(String.init)
        let expected = ["vmlinuz", "initramfs.zst", "sample.iso", "sample.img", "sbom.spdx.json", "manifest.json.p7s"]
        #expect(Set(files).isSuperset(of: expected))
        for file in files {
            let copies = ["one", "other"].map { sample.scratch.file("\($0)/sample/current/\(file)").string }
            _ = try await output(of: "cmp", copies)
        }
        let mode = try await output(
            of: "stat",
            ["-c", "%a", sample.scratch.file("other/sample/current/sample.iso").string]
        )
        #expect(mode == "644\n")
    }

    /// Where SwiftPM puts the programs: beside the test bundle.
    private static var programs: String? {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map { path in
            FilePath(path).removingLastComponent().string
        }
    }

    @Test("another version has other identifiers, the same version the same key")
    func identifiers() throws {
        let one = try SampleMedium()
        var other = try SampleMedium()
        #expect(try one.medium.key() == other.medium.key())
        #expect(one.medium.seed.guid("disk") == other.medium.seed.guid("disk"))
        #expect(one.medium.seed.guid("disk") != one.medium.seed.guid("disk esp"))
        other.medium.version = "ba9876543210"
        #expect(try one.medium.key() != other.medium.key())
        #expect(one.medium.seed.guid("disk") != other.medium.seed.guid("disk"))
        other.medium.version = one.medium.version
        other.medium.kernelArguments = ["debug"]
        #expect(try one.medium.key() != other.medium.key())
    }

    /// What a build that was killed left behind is taken away by the next, and does not get into its result.
    @Test func leftoversOfAKilledBuildGo() async throws {
        let sample = try SampleMedium()
        let clean = try await sample.writeISO()
        let other = try SampleMedium()
        _ = try other.scratch.write([UInt8](repeating: 0xFF, count: 100_000), to: ".unfinished-sample.iso")
        let mended = try await other.writeISO()
        _ = try await output(of: "cmp", [clean.string, mended.string])
        #expect(try other.names() == ["vmlinuz", "initramfs.zst", "sample.iso"])
    }

    @Test(
        "a disk that is too small, or full in the middle of the copy, is one clear sentence, and nothing is left (case 48)"
    )
    func fullDisk() async throws {
        let sample = try SampleMedium(root: [UInt8](repeating: 1, count: 8 << 20))
        let disk = sample.scratch.file("disk")
        _ = try await output(of: "mkdir", [disk.string])
        for size in ["4m", "40m"] {
            _ = try await output(of: "mount", ["-t", "tmpfs", "-o", "size=\(size)", "muster-test", disk.string])
            let place = disk.appending("a.iso")
            let error = await #expect(throws: BuildError.self) {
                // The check beforehand passes at 40 MiB; then somebody else takes the space.
                try await sample.medium.writeISO(to: place) { _ in
                    _ = try? writeFile([UInt8](repeating: 1, count: 64 << 20), to: disk.appending("other"))
                }
            }
            let left = try await output(of: "find", [disk.string, "-name", "*a.iso*"])
            _ = try await output(of: "umount", [disk.string])
            #expect(error?.kind == .diskFull, "\(error?.message ?? "no error")")
            #expect(left == "")
        }
    }

    @Test("what cannot be written is an error that names the place, and the work folder is empty again")
    func noSuchPlace() async throws {
        let sample = try SampleMedium()
        await #expect(throws: BuildError.self) { try await sample.medium.writeISO(to: "/nonexistent/a.iso") }
        await #expect(throws: BuildError.self) { try await sample.medium.writeDisk(to: "/nonexistent/a.img") }
        #expect(try sample.names() == ["vmlinuz", "initramfs.zst"])
    }

    @Test func anUnsafeArgumentIsRefused() async throws {
        var sample = try SampleMedium()
        sample.medium.kernelArguments = ["a'b"]
        let error = await #expect(throws: BuildError.self) { _ = try await sample.writeISO() }
        #expect(error?.kind == .definition)
    }
}
