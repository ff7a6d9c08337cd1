import FoundationEssentials
import Glibc
import HostModel
import ImageBuilder
import Subprocess
import SystemPackage
import Testing

/// The shipped full node, whole: minutes, root, and Debian's archive (`make test-images`).
@Suite(.serialized, .enabled(if: getenv("MUSTER_TEST_IMAGES") != nil)) struct NodeDebianTests {
    /// Kept for the next run, so that packages are fetched once.
    private static let cache = Project.root.appending(".build").appending("image-cache")

    private func arguments(_ scratch: Scratch, _ place: String) -> [String] {
        [
            "image", "build", Project.root.appending("images/node-debian.yaml").string, "--fast", "--no-sign",
            "--output",
            scratch.file("\(place)/out").string, "--cache-directory", scratch.file("\(place)/cache").string, "--agent",
            Project.root.appending(".build-agent/muster-agent").string, "--progress", "json",
        ]
    }

    /// A cache of its own with the packages of earlier runs.
    private func prepare(_ scratch: Scratch, _ place: String) async throws {
        let packages = Self.cache.appending("packages").string
        _ = try await output(of: "mkdir", ["-p", packages, scratch.file("\(place)/cache").string])
        _ = try await output(of: "cp", ["-r", packages, scratch.file("\(place)/cache").string])
    }

    @Test(
        "cases 47, 54, 56, 57: node-debian is killed while packages are installed, goes on offline, twice the same bytes"
    )
    func wholeNode() async throws {
        let scratch = try Scratch("node-debian")
        try await prepare(scratch, "a")
        let killed = try await MusterProgram.run(arguments(scratch, "a")) { line, process in
            if line.contains("\"stage\":\"base\""), line.contains("\"unit\"") { kill(process, SIGKILL) }
        }
        #expect(killed.exit == -SIGKILL, "\(killed.errors.suffix(500))")
        // Only the build's own: network namespaces of others are mounts, too, and come and go.
        #expect(!(try await output(of: "cat", ["/proc/mounts"])).contains(scratch.path.string))
        let left = try await run(
            .name("pgrep"),
            arguments: ["-f", "mmdebstrap.*\(scratch.path.string)"],
            output: .string(limit: 4096)
        )
        #expect(left.standardOutput == "", "mmdebstrap goes on")
        _ = try await output(of: "cp", ["-r", scratch.file("a/cache/packages").string, Self.cache.string])
        let first = try await MusterProgram.run(arguments(scratch, "a"), launcher: ["unshare", "--net"])
        #expect(first.exit == 0, "\(first.errors.suffix(500))")
        try await check(scratch.file("a/out/node-debian/current"))
        try await prepare(scratch, "b/deeper")
        let second = try await MusterProgram.run(
            arguments(scratch, "b/deeper"),
            launcher: ["taskset", "-c", "0", "sh", "-c", "umask 077; exec \"$@\"", "sh"],
            environment: ["TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8"]
        )
        #expect(second.exit == 0, "\(second.errors.suffix(500))")
        let manifests = try ["a", "b/deeper"].map { try scratch.bytes("\($0)/out/node-debian/current/manifest.json") }
        #expect(manifests[0] == manifests[1])
    }

    private func check(_ folder: FilePath) async throws {
        let image = folder.appending("root.squashfs").string
        let group = try await output(of: "unsquashfs", ["-cat", image, "etc/group"])
        for line in ["kvm:x:36:", "qemu:x:107:", "sanlock:x:179:"] { #expect(group.contains(line)) }
        let status = try await output(of: "unsquashfs", ["-cat", image, "var/lib/dpkg/status"])
        let installed = status.split(separator: "\n").filter { $0.hasPrefix("Package: ") }.map { $0.dropFirst(9) }
        let packages = try await output(of: "cat", [folder.appending("packages.json").string])
        for name in installed { #expect(packages.contains("\"\(name)\""), "\(name)") }
        let size = try await output(of: "stat", ["--format=%s", image])
        #expect((Int(size.split(separator: "\n").first ?? "") ?? .max) < 210 << 20)
    }
}
