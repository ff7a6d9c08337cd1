import FoundationEssentials
import Glibc
import HostModel
import SystemPackage
import Testing

/// The agent that a conversion lays on servers must start on the oldest of them, EL 8 (glibc 2.28). Takes `make agent`.
@Suite struct AgentFileTests {
    static let file = Project.root.appending(AgentFile.ofCheckout)

    @Test("it asks for no symbol above GLIBC_2.28, and for no C++ library")
    func asksForOldSymbols() async throws {
        let versions = try await output(of: "readelf", ["--version-info", "--wide", Self.file.string])
        let asked = Set(versions.matches(of: /GLIBC_([0-9]+)\.([0-9]+)/).map { [Int($0.1) ?? 0, Int($0.2) ?? 0] })
        #expect(asked.count > 3, "it asks for some")
        #expect(asked.allSatisfy { !$0.lexicographicallyPrecedes([0]) && !([2, 28].lexicographicallyPrecedes($0)) })
        #expect(!versions.contains("GLIBCXX") && !versions.contains("CXXABI"))
        let needed = try await output(of: "readelf", ["--dynamic", "--wide", Self.file.string])
        #expect(!needed.contains("libstdc++") && !needed.contains("libvirt"))
    }

    @Test(
        "it starts on Debian 11 (glibc 2.31), the oldest that the registry offers",
        .enabled(if: getenv("MUSTER_TEST_CONVERT") != nil)
    )
    func startsOnDebian11() async throws {
        let tree = try await TestServer.tree("bullseye")
        let scratch = try Scratch()
        let script = """
            set -e
            mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
            mount -t proc proc "$2/root/proc"
            cp "$3" "$2/root/usr/bin/muster-agent"
            exec chroot "$2/root" sh -c 'ldd --version | head -n 1; muster-agent --version; muster-agent serve --help | head -n 3
                id -u vdsm 2> /dev/null || useradd -r -u 36 vdsm; timeout 3 muster-agent register --stay --state /tmp/s --run /tmp/r || echo "ended with $?"'
            """
        for folder in ["upper", "work", "root"] {
            try FileManager.default.createDirectory(
                atPath: scratch.file(folder).string,
                withIntermediateDirectories: true
            )
        }
        let said = try await output(
            of: "unshare",
            [
                "-m", "-n", "-p", "-f", "--kill-child", "--", "bash", "-c", script, "agent", tree, scratch.path.string,
                Self.file.string,
            ]
        )
        #expect(said.contains("2.31") && said.contains("OVERVIEW"))
        // 124: it stayed until its time was over.
        #expect(said.contains("ended with 124"), "\(said)")
    }
}
