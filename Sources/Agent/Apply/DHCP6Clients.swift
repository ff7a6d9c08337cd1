import BlockDevices
import Glibc
import HostModel
import Subprocess
import SystemPackage

/// The DHCPv6 clients of the host: dhcpcd, one for each link, found by its pid files. It asks for an address and nothing
/// else: routes are what routers advertise to the kernel. ISC's dhclient, which nobody keeps any more, is not used: its script
/// takes the host's resolvers and the link's other addresses along.
package struct DHCP6Clients: Sendable {
    private let program: FilePath
    private let run: NodeDirectory
    private let pids: NodeDirectory

    package init(_ settings: ApplySettings) {
        (program, run, pids) = (settings.dhcpcd, settings.run, NodeDirectory(settings.dhcpcdRun))
    }

    package var isInstalled: Bool { access(program.string, X_OK) == 0 }

    /// What a host without a client is told.
    static let missing = "This host has no DHCPv6 client: install dhcpcd (Debian: dhcpcd-base; Enterprise Linux: EPEL)"

    /// Throws what is wrong with a call that wants DHCPv6 on a host that cannot do it.
    static func check(_ change: NetworkChange, on state: NetworkState) throws(NetworkRefusal) {
        guard !state.hasDHCP6Program, let network = change.wanted.first(where: \.addressing6.dhcp) else { return }
        throw NetworkRefusal(.badAddress, NetworkRefusal.network(network.name, "dhcpv6"), missing)
    }

    /// Those of the links that a client runs on.
    package func running(among links: some Sequence<String>) -> Set<String> {
        // A look at the directory first: of a thousand links few have a client.
        let files = pids.names()
        return Set(links.filter { files.contains(Self.file($0)) && isRunning(on: $0) })
    }

    package func isRunning(on link: String) -> Bool { pid(on: link) != nil }

    private static func file(_ link: String) -> String { "\(link)-6.pid" }

    private func pid(on link: String) -> pid_t? {
        guard let bytes = try? pids.read(Self.file(link)),
            let pid = pid_t(String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)), pid > 1,
            let words = try? readFile(FilePath("/proc/\(pid)/cmdline"))
        else { return nil }
        // The number may have gone to another process since. dhcpcd writes its title itself: `dhcpcd: eth0 [ip6]`.
        return words.split { $0 == 0 || $0 == 32 }.contains { $0.elementsEqual(link.utf8) } ? pid : nil
    }

    /// Returns when the client runs; the lease comes later.
    package func start(on link: String) async throws {
        guard let name = LinkName(link) else {
            throw StepFailure(command: "dhcpcd", reason: "\(terminalEscaped(link)) is no link's name")
        }
        guard isInstalled else { throw StepFailure(command: "dhcpcd", reason: Self.missing) }
        guard !isRunning(on: link) else { return }
        try run.write(Array(Self.settings.utf8), to: Self.settingsName)
        endOrphans(of: name)
        try keepGeneration(of: name)
        try await perform(["-6", "-b", "-q", "-f", run.file(Self.settingsName).string, name.rawValue])
        for _ in 0..<Self.looks {
            if isRunning(on: link) { return }
            try await Task.sleep(for: Self.pause)
        }
        throw StepFailure(
            command: "dhcpcd",
            reason: "the DHCPv6 client on \(link) ended at once; if a dhcpcd manages this host's links, stop it"
        )
    }

    /// The identity is made of the link's own address: a node in memory is the same one after a restart. Advertisements are
    /// the kernel's. No program is run with what a server says.
    private static let settings = "duid ll\nnoipv6rs\nia_na\nscript /dev/null\n"
    private static let settingsName = "dhcpcd6.conf"
    /// Five seconds in all.
    private static let looks = 250
    private static let pause = Duration.milliseconds(20)

    /// Returns when the client is gone, and its address with it. The lease is not given back.
    package func stop(on link: String) async throws {
        guard let name = LinkName(link), let pid = pid(on: link) else { return }
        kill(pid, SIGTERM)
        for _ in 0..<Self.looks where self.pid(on: link) == pid { try await Task.sleep(for: Self.pause) }
        if self.pid(on: link) == pid {
            kill(pid, SIGKILL)
            endOrphans(of: name)
        }
        returnGeneration(of: name)
    }

    /// dhcpcd makes a link's own address itself, and leaves the kernel not making any. How the kernel did is kept until the
    /// client has ended.
    private func keepGeneration(of link: LinkName) throws {
        guard try run.read(Self.generationPrefix + link.rawValue) == nil,
            let mode = readLine(of: Self.generation(of: link))
        else { return }
        try run.write(Array(mode.utf8), to: Self.generationPrefix + link.rawValue)
    }

    private func returnGeneration(of link: LinkName) {
        let name = Self.generationPrefix + link.rawValue
        guard let mode = readLine(of: run.file(name)) else { return }
        // A link that is gone has nothing to be put right.
        if let file = try? FileDescriptor.open(Self.generation(of: link), .writeOnly) {
            _ = try? file.closeAfter { try file.writeAll(mode.utf8) }
        }
        try? run.remove(name)
    }

    /// Puts right what clients left that died before their networks went; gives their links.
    func tidy(keeping wanted: Set<String>) -> [String] {
        var tidied: [String] = []
        for name in run.names() where name.hasPrefix(Self.generationPrefix) {
            guard let link = LinkName(name.dropFirst(Self.generationPrefix.count)), !wanted.contains(link.rawValue),
                !isRunning(on: link.rawValue)
            else { continue }
            endOrphans(of: link)
            returnGeneration(of: link)
            tidied.append(link.rawValue)
        }
        return tidied
    }

    /// dhcpcd gives its privileges to helpers, which outlive it where it is killed, and go on taking the server's answers.
    private func endOrphans(of link: LinkName) {
        let title = "dhcpcd: [privileged proxy] \(link) [ip6]"
        let here = linkTarget(of: "/proc/self/ns/net")
        for name in NodeDirectory("/proc").names() {
            let process = FilePath("/proc").appending(name)
            guard let pid = pid_t(name), pid > 1, readLine(of: process.appending("cmdline")) == title,
                FileStatus(process, followsLinks: true)?.user == 0,
                linkTarget(of: process.appending("ns/net")) == here
            else { continue }
            let group = getpgid(pid)
            kill(group > 1 ? -group : pid, SIGKILL)
        }
    }

    private static let generationPrefix = "address-generation-"

    private static func generation(of link: LinkName) -> FilePath {
        FilePath("/proc/sys/net/ipv6/conf").appending(link.rawValue).appending("addr_gen_mode")
    }

    /// It says what is wrong to the system's log; its helpers would keep a pipe open.
    private func perform(_ arguments: [String]) async throws(StepFailure) {
        let command = "dhcpcd \(arguments.joined(separator: " "))"
        let status: TerminationStatus
        do {
            let result = try await Subprocess.run(
                .path(program),
                arguments: Arguments(arguments),
                input: .none,
                output: .discarded,
                error: .discarded
            )
            status = result.terminationStatus
        } catch {
            throw StepFailure(command: command, reason: "\(error)")
        }
        guard status.isSuccess else { throw StepFailure(command: command, reason: "\(status)") }
    }
}

extension LinkState {
    /// Whether everything that the network asks servers for is there. A DHCPv6 server gives an address, and no prefix.
    func hasLeases(of network: WantedNetwork) -> Bool {
        let hasFirst = network.addressing != .dhcp || !addresses.isEmpty
        return hasFirst && (!network.addressing6.dhcp || !leased6.isEmpty)
    }

    var leased6: [IPv6Network] { automaticAddresses.filter { $0.prefixLength == 128 && !$0.address.isLinkLocal } }
}
