import HostModel
import SystemPackage

/// Learns the host key that a server shows, before anybody signs in there.
struct HostKeyScan {
    /// In the order in which they are preferred; the first is asked without naming any, so that the server's best is shown.
    private static let types = ["", "ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512,rsa-sha2-256"]
    private static let keyBytesMax = 32 << 10
    private static let keygenLimit: Duration = .seconds(10)

    var configuration: SSHConfiguration

    /// The keys, written into the `known_hosts` of the connection. Throws where one is not the one that is pinned.
    func pinned() async throws(ConversionError) -> (target: HostKey, jump: HostKey?) {
        var jumpKey: HostKey?
        if let jump = configuration.jump {
            jumpKey = try await key(of: jump, SSHConfiguration.jumpName, file: "scan.jump")
            try pin([(SSHConfiguration.jumpName, jumpKey)])
        }
        let key = try await key(of: configuration.target, SSHConfiguration.targetName, file: "scan")
        try pin([(SSHConfiguration.jumpName, jumpKey), (SSHConfiguration.targetName, key)])
        return (key, jumpKey)
    }

    private func pin(_ keys: [(name: String, key: HostKey?)]) throws(ConversionError) {
        let lines = keys.compactMap { name, key in key.map { "\(name) \($0.publicKey)\n" } }
        try configuration.folder.write(lines.joined(), to: "known_hosts")
    }

    private func key(of target: SSHTarget, _ name: String, file: String) async throws(ConversionError) -> HostKey {
        var shown: [HostKey] = []
        for type in target.fingerprint == nil ? [Self.types[0]] : Self.types {
            guard let key = try await ask(target, name, file, type, isFirst: shown.isEmpty) else { continue }
            guard let wanted = target.fingerprint, wanted != key.fingerprint else { return key }
            // A server without a key of this type shows another one again.
            if !shown.contains(key) { shown.append(key) }
        }
        throw mismatch(target, shown)
    }

    /// Connects without any way to sign in, so that ssh keeps the key and nothing else happens.
    private func ask(
        _ target: SSHTarget,
        _ name: String,
        _ file: String,
        _ type: String,
        isFirst: Bool
    ) async throws(ConversionError) -> HostKey? {
        let folder = configuration.folder
        // A jump host asks for its password here too.
        try configuration.prepare()
        folder.remove(file)
        let path = folder.file(file).string
        var arguments = [
            "-F", folder.file("config").string, "-o", "ControlPath=none", "-o", "StrictHostKeyChecking=accept-new",
            "-o",
            "PreferredAuthentications=none", "-o", "BatchMode=yes",
        ]
        // Through a jump host the file is named in its place only: the jump host's own key stays pinned.
        arguments += ["-o", "UserKnownHostsFile=\(path)"]
        if !type.isEmpty { arguments += ["-o", "HostKeyAlgorithms=\(type)"] }
        let ending = try await SSHProgram.ssh.run(
            arguments + [name, "exit"],
            environment: configuration.environment,
            outputLimit: 4096,
            timeLimit: SSHConnection.openLimit
        )
        let line = folder.read(file, limit: Self.keyBytesMax).split(separator: "\n").first.map(String.init) ?? ""
        if let key = try await listed(line, file) { return key }
        guard isFirst else { return nil }
        guard !ending.isTimedOut else { throw SSHFailure.timeout(target, "") }
        let jumped = configuration.jump.flatMap { ending.complaint.contains($0.address) ? $0 : nil }
        throw SSHFailure.beforeSession(ending.complaint, jumped ?? target)
    }

    private func listed(_ line: String, _ file: String) async throws(ConversionError) -> HostKey? {
        guard !line.isEmpty else { return nil }
        let listing = try await SSHProgram.keygen.run(
            ["-l", "-f", configuration.folder.file(file).string],
            outputLimit: 4096,
            timeLimit: Self.keygenLimit
        )
        return HostKey(knownHostsLine: line, listing: String(decoding: listing.output, as: UTF8.self))
    }

    private func mismatch(_ target: SSHTarget, _ shown: [HostKey]) -> ConversionError {
        let keys = shown.map { "\($0.fingerprint) (\(terminalEscaped($0.type)))" }
        return ConversionError(
            .hostKey,
            "\(target.shown) shows the host key \(keys.joined(separator: ", ")), but \(target.fingerprint?.rawValue ?? "") is pinned",
            remedy: "compare on the server's own console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; "
                + "if it was installed anew, give the new one by --fingerprint"
        )
    }
}
