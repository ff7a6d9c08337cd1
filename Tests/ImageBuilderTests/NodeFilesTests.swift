import Glibc
import Subprocess
import SystemPackage
import Testing

@testable import ImageBuilder

/// The scripts that full images carry, run on a folder in the place of the root.
@Suite struct NodeFilesTests {
    private static let script = Project.root.appending("images/parts/node/usr/lib/muster/keep-identity")

    /// A root as it comes out of the image, with a state partition that stays.
    private struct Machine {
        let scratch: Scratch

        init() async throws {
            scratch = try Scratch("identity")
            for folder in ["tools", "root/dev"] { try makeDirectory(scratch.file(folder)) }
            _ = try scratch.write(
                Array("#!/bin/sh\necho iqn.2016-04.com.open-iscsi:$$\n".utf8),
                to: "tools/iscsi-iname"
            )
            _ = chmod(scratch.file("tools/iscsi-iname").string, 0o755)
            _ = try scratch.write([], to: "root/dev/kmsg")
        }

        /// One start of the machine; gives what it is known by.
        func start() async throws -> String {
            remove(scratch.file("root/etc"))
            try makeDirectory(scratch.file("root/etc/iscsi"))
            _ = try scratch.write(Array("GenerateName=yes\n".utf8), to: "root/etc/iscsi/initiatorname.iscsi")
            let path = "PATH=\(scratch.file("tools")):/usr/bin:/bin"
            _ = try await output(of: "env", [path, NodeFilesTests.script.string, scratch.file("root").string])
            let names = try names(in: scratch.file("root/etc/ssh")).filter { $0.hasPrefix("ssh_host_") }
            #expect(names.count >= 6 && !names.contains { $0.hasSuffix(".new") }, "\(names)")
            return try (names.map { "ssh/\($0)" } + ["iscsi/initiatorname.iscsi"]).map { name in
                String(decoding: try scratch.bytes("root/etc/\(name)"), as: UTF8.self)
            }.joined()
        }
    }

    @Test("case 58: a machine's SSH keys and iSCSI name outlive its restarts, and every machine has its own")
    func identity() async throws {
        let machine = try await Machine()
        let first = try await machine.start()
        #expect(first.contains("InitiatorName=iqn."))
        #expect(try await machine.start() == first)
        let other = try await Machine()
        #expect(try await other.start() != first)
    }

    @Test("a service outlives the writer of its log, and ends with its own status")
    func logged() async throws {
        let scratch = try Scratch("logged")
        let log = scratch.file("log").string
        // The first writer dies after a line, as one would whose disk is full; the next goes on.
        let agent = """
            #!/bin/bash
            case $1 in
                log)
                    if [ ! -e \(log) ]; then read -r line; echo "$line" > \(log); exit 1; fi
                    exec cat >> \(log) ;;
                *) echo one; until [ -s \(log) ]; do read -r -t 0.1 < /dev/zero; done; echo "two $*"; exit 7 ;;
            esac

            """
        _ = try scratch.write(Array(agent.utf8), to: "muster-agent")
        _ = chmod(scratch.file("muster-agent").string, 0o755)
        let text = try readText(Project.root.appending("images/parts/node/usr/lib/muster/logged"), limit: 4096)
            .replacing("/usr/bin/muster-agent", with: scratch.file("muster-agent").string)
        _ = try scratch.write(Array(text.utf8), to: "script")
        let ended = try await run(
            .name("bash"),
            arguments: [scratch.file("script").string, "serve", "--verbose"],
            output: .string(limit: 4096),
            error: .string(limit: 4096)
        )
        #expect(ended.terminationStatus == .exited(7), "\(ended)")
        #expect(try readText(scratch.file("log"), limit: 4096) == "one\ntwo serve --verbose\n")
    }

    @Test(
        "in rescue nobody mounts the state partition, and no service runs, wherever the word stands",
        arguments: ["muster.rescue", "muster.rescue quiet", "quiet muster.rescue ip=dhcp"]
    )
    func rescue(commandLine: String) async throws {
        let (mounted, mounts) = try await nodeScript("mount-state", [], commandLine)
        #expect(mounted == .exited(1) && !mounts.contains("mount"), "\(mounts)")
        for service in ["apply", "register", "serve"] {
            let (_, calls) = try await nodeScript("run", [service], commandLine)
            #expect(calls == "sleep 86400\n", "\(service)")
        }
        let (_, others) = try await nodeScript("mount-state", [], "quiet muster.rescues")
        #expect(others.contains("mount -t ext4"), "any other machine has its partition")
    }

    /// A script of the node image with a command line of its own, and the commands that it would run, a line each.
    private func nodeScript(_ name: String, _ arguments: [String], _ commandLine: String) async throws
        -> (TerminationStatus, String)
    {
        let scratch = try Scratch("rescue")
        try makeDirectory(scratch.file("tools"))
        let tool = "#!/bin/sh\necho \"${0##*/} $*\" >> \(scratch.file("calls"))\n"
        for name in ["mount", "findfs", "chown", "chmod", "sleep", "logged", "ln", "rm", "mkdir"] {
            _ = try scratch.write(
                Array((tool + (name == "findfs" ? "echo /dev/sda1\n" : "")).utf8),
                to: "tools/\(name)"
            )
            _ = chmod(scratch.file("tools/\(name)").string, 0o755)
        }
        _ = try scratch.write(Array("\(commandLine)\n".utf8), to: "cmdline")
        _ = try scratch.write([], to: "calls")
        var text = try readText(Project.root.appending("images/node-minimal/usr/lib/muster/\(name)"), limit: 8192)
        for (from, to) in [
            ("/proc/cmdline", "cmdline"), ("/dev/kmsg", "kmsg"), ("/run/", "run-"), ("/var/lib/", "state-"),
            ("/usr/lib/muster/", "tools/"),
        ] { text = text.replacing(from, with: scratch.file(to).string) }
        _ = try scratch.write(Array(text.utf8), to: "script")
        let ended = try await run(
            .name("env"),
            arguments: .init(
                ["PATH=\(scratch.file("tools")):/usr/bin:/bin", "sh", scratch.file("script").string] + arguments
            ),
            output: .string(limit: 4096),
            error: .string(limit: 4096)
        )
        return (ended.terminationStatus, try readText(scratch.file("calls"), limit: 4096))
    }

    @Test("a key that was cut off is made anew, and the others stay")
    func damaged() async throws {
        let machine = try await Machine()
        _ = try await machine.start()
        let key = "root/var/lib/muster-agent/identity/ssh_host_ed25519_key"
        let rsa = try machine.scratch.bytes("root/var/lib/muster-agent/identity/ssh_host_rsa_key")
        _ = try machine.scratch.write(Array(try machine.scratch.bytes(key).prefix(100)), to: key)
        let mended = try await machine.start()
        #expect(mended.contains(String(decoding: rsa, as: UTF8.self)))
        #expect(try machine.scratch.bytes(key).count > 300)
        #expect(try await machine.start() == mended)
    }
}
