import Glibc
import HostConversion
import Subprocess
import SystemPackage
import Testing

/// The connection against a real sshd. Takes root.
@Suite(.serialized) struct SSHConnectionTests {
    static func ask(_ connection: SSHConnection, _ text: String) async throws -> String {
        let script = RemoteScript(text, purpose: "a test", timeLimit: .seconds(60))
        return String(decoding: try await connection.run(script).output, as: UTF8.self)
    }

    private func failure(_ target: SSHTarget, through jump: SSHTarget? = nil) async throws -> ConversionError {
        do throws(ConversionError) {
            let connection = try await SSHConnection.open(target, through: jump)
            await connection.close()
        } catch {
            #expect(!error.message.isEmpty && !error.remedy.isEmpty)
            return error
        }
        Issue.record("it signed in")
        throw CancellationError()
    }

    @Test("password, key, key with passphrase, and agent sign in; the fingerprint is the one that ssh-keygen prints")
    func signsIn() async throws {
        let server = try await TestServer.boot()
        let key = try await server.key(passphrase: "open sesame")
        let listed = try await server.shell("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        for authentication in [
            SSHTarget.Authentication.password(TestServer.password), .key(key, passphrase: "open sesame"),
        ] {
            let connection = try await SSHConnection.open(try server.target(authentication))
            #expect(listed.contains(connection.hostKey.fingerprint.rawValue))
            #expect(try await Self.ask(connection, "id -u; printf 'a\\000b'") == "0\na\0b")
            await connection.close()
        }
        let socket = server.scratch.file("agent")
        let plain = server.scratch.file("plain")
        try await output(of: "ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", plain.string])
        try await server.shell(
            "cat >> /root/.ssh/authorized_keys",
            input: try await output(of: "cat", [plain.string + ".pub"])
        )
        let agent = try await output(of: "ssh-agent", ["-s", "-a", socket.string])
        let process = try #require(
            agent.split(separator: ";").first { $0.contains("AGENT_PID=") }?.split(separator: "=").last
        )
        defer { kill(pid_t(process) ?? 0, SIGTERM) }
        try await output(of: "env", ["SSH_AUTH_SOCK=\(socket)", "ssh-add", "-q", plain.string])
        let byAgent = try await SSHConnection.open(try server.target(.agent(socket)))
        #expect(try await Self.ask(byAgent, "id -u") == "0\n")
        await byAgent.close()
        let rsa = try await server.shell("ssh-keygen -lf /etc/ssh/ssh_host_rsa_key.pub").split(separator: " ")[1]
        // Every type of key that the server has is as good a pin.
        let pinned = try server.target(fingerprint: HostKeyFingerprint(rawValue: String(rsa)))
        let connection = try await SSHConnection.open(pinned)
        #expect(connection.hostKey.type == "ssh-rsa")
        await connection.close()
        let wrong = try await failure(try server.target(.key(key, passphrase: "wrong")))
        #expect(wrong.kind == .authentication)
    }

    @Test("the password is in no command line and no environment while ssh asks for it")
    func hidesPassword() async throws {
        let server = try await TestServer.boot()
        // sshd waits before it answers a password: time to look at every process of this machine, at each of these looks.
        async let opened = SSHConnection.open(try server.target())
        var isSeen = false
        var looks = 0
        let secret = Array("not in argv: 'a'".utf8)
        while looks < 40 {
            looks += 1
            let processes = try await output(of: "ls", ["/proc"]).split(separator: "\n").filter { Int($0) != nil }
            for process in processes {
                for name in ["cmdline", "environ"] {
                    guard let file = try? FileDescriptor.open(FilePath("/proc/\(process)/\(name)"), .readOnly) else {
                        continue
                    }
                    var bytes = [UInt8](repeating: 0, count: 64 << 10)
                    let count =
                        (try? file.closeAfter { try bytes.withUnsafeMutableBytes { try file.read(into: $0) } }) ?? 0
                    isSeen = isSeen || bytes.prefix(count).contains(secret)
                }
            }
        }
        #expect(!isSeen)
        try await opened.close()
    }

    @Test("a host key that is not the pinned one refuses, with both fingerprints, before the password is sent")
    func refusesChangedKey() async throws {
        let server = try await TestServer.boot()
        let first = try await SSHConnection.open(try server.target())
        let pinned = first.hostKey.fingerprint
        await first.close()
        try await server.shell("rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh")
        let error = try await failure(try server.target(fingerprint: pinned))
        let now = try await server.shell("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split(separator: " ")[1]
        #expect(error.kind == .hostKey)
        #expect(error.message.contains(pinned.rawValue) && error.message.contains(now))
        #expect(error.remedy.contains("--fingerprint"))
        #expect(try await server.shell("journalctl -u ssh --no-pager | grep -c 'Failed password' || true") == "0\n")
    }

    @Test("what keeps one out has a sentence of its own")
    func namesFailures() async throws {
        let server = try await TestServer.boot()
        #expect(
            try await failure(try server.target(.password("wrong"))).message.contains(
                "did not accept the password of root"
            )
        )
        let other = server.scratch.file("other")
        try await output(of: "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", other.string])
        #expect(try await failure(try server.target(.key(other))).remedy.contains("ssh-copy-id"))
        let nobody = try SSHTarget(address: "no-such-host.invalid", authentication: .password("x"))
        #expect(try await failure(nobody).kind == .name)
        let closed = try SSHTarget(address: "127.0.0.1", port: 1, authentication: .password("x"))
        #expect(try await failure(closed).message.contains("refused the connection"))
        try await server.shell("usermod -s /usr/sbin/nologin games; echo 'games:g' | chpasswd")
        #expect(try await failure(try server.target(user: "games", .password("g"))).kind == .shell)
        try await server.shell("useradd -m -s /bin/sh late; echo 'late:l' | chpasswd; chage -d 0 late")
        #expect(try await failure(try server.target(user: "late", .password("l"))).message.contains("has expired"))
        try await server.shell(
            "sed -i 's/^#*PasswordAuthentication.*/PasswordAuthentication no/' /etc/ssh/sshd_config; systemctl reload ssh"
        )
        let refused = try await failure(try server.target())
        #expect(refused.message.contains("takes no password") && refused.message.contains("publickey"))
    }

    @Test(
        "addresses and users that are options or have blanks are refused",
        arguments: [
            ("-oProxyCommand=x", "root"), ("a b", "root"), ("", "root"), ("host", "-l"), ("host", "a b"), ("host", ""),
            ("host\n", "root"), ("host", "root\n"), ("%h", "root"), ("host", "a@b"),
        ]
    )
    func refusesArguments(address: String, user: String) {
        #expect(throws: ConversionError.self) {
            try SSHTarget(address: address, user: user, authentication: .password("x"))
        }
    }

    @Test("a user who is not root becomes root by sudo, with a password or without; otherwise a sentence says why not")
    func becomesRoot() async throws {
        let server = try await TestServer.boot()
        try await server.shell(
            """
            useradd -m -s /bin/bash free; useradd -m -s /bin/bash asked; useradd -m -s /bin/bash barred
            printf 'free:f\\nasked:a\\nbarred:b\\n' | chpasswd
            printf 'free ALL=(ALL) NOPASSWD: ALL\\nasked ALL=(ALL) ALL\\n' > /etc/sudoers.d/test
            """
        )
        let key = try await server.key()
        try await server.shell(
            "install -d -o asked /home/asked/.ssh; install -o asked /root/.ssh/authorized_keys /home/asked/.ssh/"
        )
        for target in [
            try server.target(user: "free", .password("f")), try server.target(user: "asked", .password("a")),
            try server.target(user: "asked", .key(key), sudoPassword: "a"),
        ] {
            let connection = try await SSHConnection.open(target)
            #expect(try await Self.ask(connection, "id -un; cat") == "root\n")
            await connection.close()
        }
        #expect(
            try await failure(try server.target(user: "asked", .key(key))).message.contains("asks asked for a password")
        )
        let wrong = try await failure(try server.target(user: "asked", .key(key), sudoPassword: "x"))
        #expect(wrong.kind == .privilege && wrong.message.contains("did not accept"))
        #expect(
            try await failure(try server.target(user: "barred", .password("b"))).message.contains("may not become root")
        )
        try await server.shell("mv /usr/bin/sudo /usr/bin/sudo.away")
        #expect(try await failure(try server.target(user: "free", .password("f"))).message.contains("no sudo"))
    }

    @Test("a server that is reached through a jump host; both keys are pinned")
    func jumps() async throws {
        let server = try await TestServer.boot()
        // Seen from the jump host, the server listens on port 22 of its own loopback.
        let inner = try SSHTarget(address: "127.0.0.1", authentication: .password(TestServer.password))
        let connection = try await SSHConnection.open(inner, through: try server.target())
        #expect(try await Self.ask(connection, "id -u") == "0\n")
        #expect(connection.jumpHostKey == connection.hostKey)
        await connection.close()
        let error = try await failure(inner, through: try server.target(.password("wrong")))
        #expect(error.kind == .authentication)
    }

    @Test("a payload arrives whole; output is bounded; a broken connection and a time limit have their sentences")
    func transfers() async throws {
        let server = try await TestServer.boot()
        try await server.shell(
            "echo 'echo noise from a login shell' >> /root/.bashrc; chsh -s /bin/bash root; cp /root/.bashrc /root/.profile"
        )
        let connection = try await SSHConnection.open(try server.target())
        let bytes = server.scratch.file("payload")
        try await output(of: "dd", ["if=/dev/urandom", "of=\(bytes)", "bs=1M", "count=40", "status=none"])
        let sum = try await output(of: "sha256sum", [bytes.string]).prefix(64)
        let script = RemoteScript("sha256sum", purpose: "a test", payload: bytes, timeLimit: .seconds(60))
        #expect(String(decoding: try await connection.run(script).output, as: UTF8.self) == "\(sum)  -\n")
        let flood = RemoteScript(
            "head -c 9000000 /dev/zero",
            purpose: "a test",
            timeLimit: .seconds(60),
            outputLimit: 4096
        )
        let cut = try await connection.run(flood)
        #expect(cut.isCut && cut.output.count <= 4096)
        let failing = try await connection.run(
            RemoteScript("echo no >&2; exit 3", purpose: "a test", timeLimit: .seconds(60))
        )
        #expect(failing.exitCode == 3 && failing.complaint == "no\n")
        await #expect(throws: ConversionError.self) {
            try await connection.run(RemoteScript("sleep 60", purpose: "sleeping", timeLimit: .milliseconds(300)))
        }
        let sleeping = RemoteScript("touch /run/began; sleep 600", purpose: "a test", timeLimit: .seconds(120))
        let broken = Task { try await connection.run(sleeping) }
        try await server.shell("while [ ! -e /run/began ]; do sleep 0.05; done")
        try server.order("drop")
        let error = await #expect(throws: ConversionError.self) { try await broken.value }
        #expect(error?.kind == .connectionLost)
        await connection.close()
    }
}
