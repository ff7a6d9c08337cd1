import Glibc
import HostModel
import Subprocess
package import SystemPackage

/// Does the steps of a boot network with busybox's `ip` and `udhcpc`, and the bonding driver's sysfs.
package struct NetworkTool: Sendable {
    package var busybox: FilePath
    package var udhcpcScript: FilePath
    package var run: NodeDirectory
    package var sysfs: FilePath

    package init(
        busybox: FilePath,
        udhcpcScript: FilePath,
        run: NodeDirectory,
        sysfs: FilePath = "/sys/class/net"
    ) {
        (self.busybox, self.udhcpcScript, self.run, self.sysfs) = (busybox, udhcpcScript, run, sysfs)
    }

    /// The most that a program may say. udhcpc lets go of it when it goes into the background.
    private static let outputBytesMax = 64 << 10
    /// udhcpc asks this often before it goes on in the background, and waits this many seconds for each answer.
    private static let dhcpTries = 5
    private static let dhcpTrySeconds = 3

    package func perform(_ step: BootNetworkStep) async throws(StepFailure) {
        switch step {
        case .addBond(let name, let options): try addBond(name, options)
        case .addPort(let link, let bond): try write("+\(link)", to: sysfs.appending("\(bond)/bonding/slaves"))
        case .stopDHCP(let link): stopDHCP(link)
        case .acceptAdvertisements(let link): try write("2", to: FilePath("/proc/sys/net/ipv6/conf/\(link)/accept_ra"))
        default: try await runProgram(arguments(of: step), ignoring: Self.ignored(step))
        }
    }

    /// The arguments to busybox; empty for a step that is no program.
    package func arguments(of step: BootNetworkStep) -> [String] {
        switch step {
        case .setUp(let link): ["ip", "link", "set", "dev", link.rawValue, "up"]
        case .setDown(let link): ["ip", "link", "set", "dev", link.rawValue, "down"]
        case .setMAC(let link, let mac): ["ip", "link", "set", "dev", link.rawValue, "address", mac.description]
        case .setMTU(let link, let mtu): ["ip", "link", "set", "dev", link.rawValue, "mtu", String(mtu)]
        case .addVLAN(let vlan):
            [
                "ip", "link", "add", "link", vlan.link.rawValue, "name", vlan.name.rawValue, "type", "vlan", "id",
                "\(vlan.id)",
            ]
        case .flushAddresses(let link): ["ip", "-4", "addr", "flush", "dev", link.rawValue]
        case .addAddress(let link, let network):
            ["ip", "addr", "add", network.description, "broadcast", "+", "dev", link.rawValue]
        case .addRoute(let destination, let gateway, let link):
            ["ip", "route", "replace", destination.prefixLength == 0 ? "default" : Self.route(destination)]
                + (gateway.map { ["via", $0.description] } ?? []) + (link.map { ["dev", $0.rawValue] } ?? [])
        case .startDHCP(let link, let hostName):
            [
                "udhcpc", "-i", link.rawValue, "-p", run.file("udhcpc-\(link).pid").string, "-s", udhcpcScript.string,
                "-t", String(Self.dhcpTries), "-T", String(Self.dhcpTrySeconds), "-A", "10", "-b",
                "-O", "staticroutes", "-O", "mtu", "-O", "search",
            ] + (hostName.map { ["-x", "hostname:\($0)"] } ?? [])
        case .addBond, .addPort, .stopDHCP, .acceptAdvertisements: []
        }
    }

    /// The kernel refuses a route whose destination has host bits.
    private static func route(_ network: IPv4Network) -> String { "\(network.first)/\(network.prefixLength)" }

    /// What an earlier run has done already is no failure.
    private static func ignored(_ step: BootNetworkStep) -> String? {
        switch step {
        case .addVLAN, .addAddress: "File exists"
        default: nil
        }
    }

    private func runProgram(_ arguments: [String], ignoring ignored: String?) async throws(StepFailure) {
        let command = arguments.joined(separator: " ")
        let outcome: (status: TerminationStatus, error: String)
        do {
            let result = try await Subprocess.run(
                .path(busybox),
                arguments: Arguments(arguments),
                input: .none,
                output: .discarded,
                error: .string(limit: Self.outputBytesMax)
            )
            outcome = (result.terminationStatus, result.standardError)
        } catch {
            throw StepFailure(command: command, reason: "\(error)")
        }
        guard !outcome.status.isSuccess else { return }
        if let ignored, outcome.error.contains(ignored) { return }
        let words = outcome.error.split(whereSeparator: \.isNewline).last.map(String.init)
        throw StepFailure(command: command, reason: words ?? "\(outcome.status)")
    }

    private func addBond(_ name: LinkName, _ options: [BondArgument.Option]) throws(StepFailure) {
        let directory = sysfs.appending(name.rawValue).appending("bonding")
        if access(directory.string, F_OK) != 0 { try write("+\(name)", to: sysfs.appending("bonding_masters")) }
        // The mode comes first: most other options are of one mode only.
        for option in options.filter({ $0.name == "mode" }) + options.filter({ $0.name != "mode" }) {
            try write(option.value, to: directory.appending(option.name))
        }
    }

    private func stopDHCP(_ link: LinkName) {
        let name = "udhcpc-\(link).pid"
        guard let bytes = try? run.read(name),
            let text = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first,
            let pid = pid_t(text), pid > 1, isDHCPClient(pid, of: link)
        else { return }
        kill(pid, SIGTERM)
        try? run.remove(name)
    }

    /// The number may have gone to another process since.
    private func isDHCPClient(_ pid: pid_t, of link: LinkName) -> Bool {
        guard let bytes = try? readFile(FilePath("/proc/\(pid)/cmdline")) else { return false }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.contains("udhcpc") && words.contains(link.rawValue)
    }

    private func write(_ text: String, to path: FilePath) throws(StepFailure) {
        let descriptor = open(path.string, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StepFailure(command: "write \(path)", reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw StepFailure(command: "write \(text) to \(path)", reason: String(cString: strerror(errno)))
        }
    }
}

/// A step that the system refused.
package struct StepFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package var command: String
    package var reason: String

    package init(command: String, reason: String) { (self.command, self.reason) = (command, reason) }

    package var description: String { "\(command): \(reason)" }
}
