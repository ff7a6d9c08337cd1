import Glibc
package import HostModel
import SystemPackage

/// The DHCP clients of the host: busybox's udhcpc, one for each link, found by the pid files that `boot-network` and we
/// agree on (docs/node.md 4).
package struct DHCPClients: Sendable {
    private let run: NodeDirectory
    private let tool: NetworkTool

    package init(_ settings: ApplySettings) {
        run = settings.run
        tool = NetworkTool(busybox: settings.busybox, udhcpcScript: settings.udhcpcScript, run: settings.run)
    }

    /// Those of the links that a client runs on.
    package func running(among links: some Sequence<String>) -> Set<String> {
        // A look at the directory first: of a thousand links few have a client.
        let files = run.names()
        return Set(links.filter { files.contains("udhcpc-\($0).pid") && isRunning(on: $0) })
    }

    package func isRunning(on link: String) -> Bool {
        guard let bytes = try? run.read("udhcpc-\(link).pid"),
            let pid = pid_t(String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)), pid > 1,
            let words = try? readFile(FilePath("/proc/\(pid)/cmdline"))
        else { return false }
        // The number may have gone to another process since.
        return words.split(separator: 0).contains { $0.elementsEqual(link.utf8) }
    }

    /// Starts a client. An address that the link carries already, because it moved here, stays in use until the server
    /// has answered: the marker tells the lease script not to flush it, and the lease moves along.
    package func start(on link: String, addresses: [IPv4Network], links: some Sequence<String>) async throws {
        guard let name = LinkName(link) else {
            throw StepFailure(command: "udhcpc", reason: "\(link) is no link's name")
        }
        guard !isRunning(on: link) else { return }
        if !addresses.isEmpty {
            try run.write([], to: Lease.keptAddressFile(name))
            moveLease(to: name, addresses: addresses, links: links)
        }
        try await tool.perform(.startDHCP(name, NodeHostName.current()))
        try await awaitPID(of: link)
    }

    /// udhcpc leaves its caller first and writes its new pid afterwards; until then the file names a process that is gone.
    private func awaitPID(of link: String) async throws {
        for _ in 0..<Self.pidLooks {
            if isRunning(on: link) { return }
            try await Task.sleep(for: Self.pidPause)
        }
        throw StepFailure(command: "udhcpc", reason: "the DHCP client on \(link) ended at once")
    }

    /// Five seconds in all.
    private static let pidLooks = 250
    private static let pidPause = Duration.milliseconds(20)

    /// Ends the client without giving its lease back.
    package func stop(on link: String) async throws {
        guard let name = LinkName(link) else { return }
        try await tool.perform(.stopDHCP(name))
    }

    private func moveLease(to name: LinkName, addresses: [IPv4Network], links: some Sequence<String>) {
        for other in links.compactMap({ LinkName($0) }) where other != name {
            guard var lease = run.value(Lease.self, in: Lease.fileName(other)), addresses.contains(lease.address) else {
                continue
            }
            lease.link = name
            // A lease that is not moved costs the resolvers until the server answers; no reason to fail.
            try? run.write(value: lease, to: Lease.fileName(name))
            try? run.remove(Lease.fileName(other))
        }
    }
}

extension Lease {
    /// While this file is there, the next `deconfig` of udhcpc on the link keeps the address.
    package static func keptAddressFile(_ link: LinkName) -> String { "kept-address-\(link)" }
}
