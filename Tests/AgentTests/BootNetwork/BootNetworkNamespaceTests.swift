import Agent
import Glibc
import HostModel
import Subprocess
import SystemPackage
import Testing

/// `muster-agent boot-network` as a child in a network namespace, with a DHCP server that nobody here wrote (busybox) in
/// another one at the end of a veth pair.
@Suite(.enabled(if: getuid() == 0, "needs root"))
struct BootNetworkNamespaceTests {
    /// Two namespaces, `eth0` in one and `srv` with 10.9.0.1/24 in the other, gone with `remove`.
    struct Segment {
        let node: String
        let server: String
        let temporary = TemporaryDirectory()

        init(_ name: String) async throws {
            (node, server) = ("muster\(name)n\(getpid())", "muster\(name)s\(getpid())")
            for namespace in [node, server] { try await ip("netns", "add", namespace) }
            try await ip("-n", node, "link", "add", "eth0", "type", "veth", "peer", "name", "srv", "netns", server)
            try await ip("-n", server, "link", "set", "srv", "up")
            try await ip("-n", server, "addr", "add", "10.9.0.1/24", "dev", "srv")
        }

        func remove() async {
            for name in ["run/udhcpc-eth0.pid", "udhcpd.pid"] {
                guard let line = readLine(of: temporary.path.appending(name)), let pid = pid_t(line) else { continue }
                kill(pid, SIGKILL)
            }
            for namespace in [node, server] { _ = try? await ip("netns", "del", namespace) }
        }

        @discardableResult
        func ip(_ arguments: String...) async throws -> String { try await output("/usr/sbin/ip", arguments) }

        /// From now on `srv` is a port of the switch `sw`, which has the address and lets nothing through: as one with a
        /// carrier whose LACP or spanning tree has not settled.
        func blockPort() async throws {
            try await ip("-n", server, "link", "add", "sw", "type", "bridge", "forward_delay", "0")
            try await ip("-n", server, "addr", "flush", "dev", "srv")
            try await ip("-n", server, "link", "set", "srv", "master", "sw")
            try await ip("-n", server, "addr", "add", "10.9.0.1/24", "dev", "sw")
            try await ip("-n", server, "link", "set", "sw", "up")
            // A bridge lets a port through whose carrier comes.
            try await ip("-n", node, "link", "set", "eth0", "up")
            try await setPort(state: 0)
        }

        /// Lets everything through once the node has asked twice in vain.
        func openPortAfterTwoQuestions() async throws {
            let script = """
                from socket import AF_PACKET, SOCK_RAW, htons, socket
                line = socket(AF_PACKET, SOCK_RAW, htons(3))
                line.bind(("srv", 0))
                line.settimeout(60)
                asked = 0
                while asked < 2:
                    frame = line.recv(2048)
                    asked += frame[12:14] == b"\\x08\\x00" and frame[23] == 17 and frame[36:38] == b"\\x00\\x43"
                """
            _ = try await output("/usr/sbin/ip", ["netns", "exec", server, "python3", "-c", script])
            try await setPort(state: 3)
        }

        /// 0 is disabled, 3 is forwarding (linux/if_bridge.h).
        private func setPort(state: Int) async throws {
            let words = ["-n", server, "link", "set", "dev", "srv", "state", "\(state)"]
            _ = try await output("/usr/sbin/bridge", words)
        }

        /// A DHCP server with one address to give, that runs until `remove`.
        func startServer(_ interface: String = "srv") async throws {
            let files = temporary.directory
            let configuration = """
                start 10.9.0.77
                end 10.9.0.77
                interface \(interface)
                lease_file \(files.file("leases"))
                pidfile \(files.file("udhcpd.pid"))
                option subnet 255.255.255.0
                option router 10.9.0.1
                option dns 10.9.0.1
                option domain example.org
                option hostname node-77

                """
            try files.write(Array(configuration.utf8), to: "udhcpd.conf")
            try files.write([], to: "leases")
            let arguments = ["netns", "exec", server, "/bin/busybox", "udhcpd", files.file("udhcpd.conf").string]
            _ = try await output("/usr/sbin/ip", arguments)
        }

        /// Runs boot-network in a host name space of its own; its exit code.
        func bootNetwork(_ line: String, wait: Int = 5) async throws -> Int32 {
            let files = temporary.directory
            let agent = FilePath(try #require(readLink("/proc/self/exe"))).removingLastComponent().appending(
                "muster-agent"
            )
            let flags = [
                "--state", files.file("state").string, "--run", files.file("run").string,
                "--command-line", files.file("cmdline").string, "--resolv-conf", files.file("resolv.conf").string,
            ]
            try files.write(Array(line.utf8), to: "cmdline")
            let script = "#!/bin/sh\nexec \(agent) lease \(flags.joined(separator: " ")) \"$@\"\n"
            try files.write(Array(script.utf8), to: "script", permissions: [.ownerReadWriteExecute])
            let result = try await Subprocess.run(
                .path("/usr/sbin/ip"),
                arguments: Arguments(
                    [
                        "netns", "exec", node, "unshare", "-u", "/bin/sh", "-c", #"hostname localhost; exec "$0" "$@""#,
                        agent.string, "boot-network",
                    ] + flags
                        + ["--udhcpc-script", files.file("script").string, "--wait", "\(wait)"]
                ),
                output: .discarded,
                error: .string(limit: 64 << 10)
            )
            guard case .exited(let code) = result.terminationStatus else { return -1 }
            return code
        }

        private func readLink(_ path: String) -> String? {
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = readlink(path, &buffer, buffer.count)
            return count > 0 ? String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
        }

        func output(_ program: FilePath, _ arguments: [String]) async throws -> String {
            let result = try await Subprocess.run(
                .path(program),
                arguments: Arguments(arguments),
                output: .string(limit: 64 << 10),
                error: .discarded
            )
            try #require(result.terminationStatus.isSuccess, "\(arguments.joined(separator: " "))")
            return result.standardOutput
        }
    }

    @Test func fixedAddress() async throws {
        let segment = try await Segment("f")
        let code = try await segment.bootNetwork(
            "ip=10.9.0.5::10.9.0.1:24:n5:eth0:none nameserver=10.9.0.1 ip=junk rd.route=10.8.0.0/16:10.9.0.2"
        )
        let addresses = try await segment.ip("-n", segment.node, "-4", "-o", "addr", "show", "dev", "eth0")
        let routes = try await segment.ip("-n", segment.node, "route")
        let resolver = try segment.temporary.directory.read("resolv.conf")
        await segment.remove()
        #expect(code == 0)
        #expect(addresses.contains("inet 10.9.0.5/24 brd 10.9.0.255"))
        #expect(routes.contains("default via 10.9.0.1 dev eth0") && routes.contains("10.8.0.0/16 via 10.9.0.2"))
        #expect(resolver == Array("nameserver 10.9.0.1\n".utf8))
    }

    @Test("DHCP, and a second run of the same")
    func dhcp() async throws {
        let segment = try await Segment("d")
        do {
            try await segment.startServer()
            for _ in 1...2 { #expect(try await segment.bootNetwork("ip=dhcp nameserver=9.9.9.9") == 0) }
            let run = NodeDirectory(segment.temporary.path.appending("run"))
            let link = try #require(LinkName("eth0"))
            let lease = try #require(run.value(Lease.self, in: Lease.fileName(link)))
            #expect(lease.address.description == "10.9.0.77/24" && lease.gateway?.description == "10.9.0.1")
            let addresses = try await segment.ip("-n", segment.node, "-4", "-o", "addr", "show", "dev", "eth0")
            #expect(addresses.contains("inet 10.9.0.77/24"))
            #expect(try await segment.ip("-n", segment.node, "route").contains("default via 10.9.0.1 dev eth0"))
            let resolver = try segment.temporary.directory.read("resolv.conf") ?? []
            #expect(
                String(decoding: resolver, as: UTF8.self)
                    == "search example.org\nnameserver 9.9.9.9\nnameserver 10.9.0.1\n"
            )
            let pid = try #require(readLine(of: run.file("udhcpc-eth0.pid")))
            let name = try await segment.output("/usr/bin/nsenter", ["-u", "-t", pid, "hostname"])
            #expect(name.hasPrefix("node-"))

            let report = try #require(run.value(BootNetworkReport.self, in: BootNetworkReport.fileName))
            #expect(report.stage == .done && report.links == [link])
        } catch {
            Issue.record(error)
        }
        await segment.remove()
    }

    @Test("F14: a switch that has a carrier and lets nothing through yet, as before LACP settles: it goes on asking")
    func lateSwitch() async throws {
        let segment = try await Segment("l")
        do {
            try await segment.blockPort()
            try await segment.startServer("sw")
            async let code = segment.bootNetwork("ip=dhcp", wait: 60)
            try await segment.openPortAfterTwoQuestions()
            #expect(try await code == 0)
            let addresses = try await segment.ip("-n", segment.node, "-4", "-o", "addr", "show", "dev", "eth0")
            #expect(addresses.contains("inet 10.9.0.77/24"))
        } catch {
            Issue.record(error)
        }
        await segment.remove()
    }

    @Test("without a carrier and without a server it ends in time, and says so")
    func nothingThere() async throws {
        let segment = try await Segment("n")
        try await segment.ip("-n", segment.server, "link", "set", "srv", "down")
        let code = try await segment.bootNetwork("ip=eth0:none", wait: 1)
        let run = NodeDirectory(segment.temporary.path.appending("run"))
        let report = run.value(BootNetworkReport.self, in: BootNetworkReport.fileName)
        await segment.remove()
        #expect(code == 69)
        #expect(report?.stage == .failed && report?.detail == "no carrier on eth0")
    }

    @Test("a VLAN and a bond of the kernel arguments stand in the end", .enabled(if: Self.hasBonding, "needs bonding"))
    func vlanOverBond() async throws {
        let segment = try await Segment("b")
        let code = try await segment.bootNetwork(
            "bond=bond0:eth0:mode=active-backup,miimon=100 vlan=vlan5:bond0 ip=10.9.5.5:::24::vlan5:none"
        )
        let links = try await segment.ip("-n", segment.node, "-d", "-o", "link")
        await segment.remove()
        #expect(code == 0)
        #expect(links.contains("mode active-backup") && links.contains("vlan5@bond0"))
    }

    private static let hasBonding = access("/sys/class/net/bonding_masters", F_OK) == 0
}
