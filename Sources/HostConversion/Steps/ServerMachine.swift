/// Which machine a server is, whatever address and host key it has.
package struct ServerMachine: Hashable, Sendable, Codable {
    /// systemd's (/etc/machine-id); `nil` where there is none that outlives a reboot.
    package var system: String?
    /// A node's (/etc/vdsm/vdsm.id), which some servers have before they are one.
    package var node: String?

    package init(system: String? = nil, node: String? = nil) { (self.system, self.node) = (system, node) }

    private static let limit: Duration = .seconds(60)
    private static let digitsMax = 64

    /// Asks the server.
    package static func read(_ connection: SSHConnection) async throws(ConversionError) -> ServerMachine {
        let answer = try await connection.run(
            RemoteScript(script, purpose: "asking which machine it is", timeLimit: limit, outputLimit: 4096)
        )
        let lines = String(decoding: answer.output, as: UTF8.self).split(separator: "\n")
        return ServerMachine(system: id("system ", lines), node: id("node ", lines))
    }

    /// A machine id that is mounted over the file is another one after the next boot.
    private static let script = #"""
        grep -q ' /etc/machine-id ' /proc/mounts || echo "system $(head -c 64 /etc/machine-id | head -n 1)"
        echo "node $(head -c 128 /etc/vdsm/vdsm.id 2> /dev/null | head -n 1)"

        """#

    /// The server's word: digits of a UUID only, and some of them.
    private static func id(_ name: String, _ lines: [Substring]) -> String? {
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return nil }
        let digits = line.dropFirst(name.count).lowercased().prefix(digitsMax)
        let isID =
            digits.utf8.count >= 32
            && digits.utf8.allSatisfy {
                (48...57).contains($0) || (97...102).contains($0) || $0 == 45
            }
        return isID ? String(digits) : nil
    }

    /// Whether both say who they are, and are two. systemd's id decides where both have one.
    package func isAnother(than other: ServerMachine) -> Bool {
        if let system, let their = other.system { return system != their }
        guard let node, let their = other.node?.lowercased() else { return false }
        return node.lowercased() != their
    }

    /// Throws where this is another machine than the one that `known` is; `address`: where it answers.
    package func confirm(_ known: ServerMachine?, at address: String) throws(ConversionError) {
        guard let known, isAnother(than: known) else { return }
        let (present, former) = (system ?? node ?? "", known.system ?? known.node ?? "")
        throw ConversionError(
            .machine,
            "\(address) is another machine (id \(present)) than the one that was converted (id \(former))",
            remedy:
                "see whether the address went to another server; for one that was installed anew: muster host reinstall, "
                + "or muster host remove --force"
        )
    }
}
