import Glibc
import HostModel
import Recipes
import Subprocess
import SystemPackage
import Testing

/// The shell parts of the kickstarts: they parse, and they do what they say in a throw-away copy of this machine.
/// Anaconda itself is not here (docs/kickstart.md says what that leaves open).
@Suite(.serialized, .timeLimit(.minutes(5))) struct KickstartShellTests {
    private static let agent = "#!/bin/sh\necho an agent\n"

    // MARK: Text

    /// The scripts of a kickstart by the words that begin their section.
    private static func sections(_ text: String) -> [(head: String, script: String)] {
        var sections: [(String, String)] = []
        var head: String?
        var lines: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "%end" {
                if let head, !head.hasPrefix("%packages") {
                    sections.append((head, lines.joined(separator: "\n") + "\n"))
                }
                (head, lines) = (nil, [])
            } else if head == nil, line.hasPrefix("%") {
                head = String(line)
            } else if head != nil {
                lines.append(line)
            }
        }
        return sections
    }

    @Test("every script of every variant parses", arguments: ["/bin/sh", "/bin/bash", "/bin/busybox"])
    func parses(shell: String) async throws {
        let recipes = try PXEFiles.kickstartRecipes(engine: KickstartSamples.engine)
        for (name, kickstart) in try KickstartSamples.all() {
            let sections = Self.sections(try recipes.text(for: kickstart))
            #expect(sections.map(\.head).map { $0.split(separator: " ")[0] } == ["%pre", "%post", "%post", "%onerror"])
            for section in sections {
                let path = "/tmp/muster-section-\(getpid())"
                try PXEFiles.write(section.script, to: path)
                defer { unlink(path) }
                let result = try await Subprocess.run(
                    .path(FilePath(shell)),
                    arguments: Arguments((shell.hasSuffix("busybox") ? ["sh"] : []) + ["-n", path]),
                    output: .discarded,
                    error: .string(limit: 4096)
                )
                #expect(result.terminationStatus.isSuccess, "\(name) \(section.head): \(result.standardError)")
            }
        }
    }

    // MARK: Sandbox

    /// A folder for one run of `kickstart-sandbox`.
    private struct Sandbox {
        let path: String

        init() throws {
            var template = Array("/tmp/muster-sandbox-\(getpid())-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw PXEFiles.Unreadable(path: "/tmp") }
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            mkdir("\(path)/served", 0o755)
            mkdir("\(path)/served/boot", 0o755)
        }

        func run(_ script: String) async throws {
            try PXEFiles.write(script, to: "\(path)/script")
            let result = try await Subprocess.run(
                .path(FilePath("\(PXEFiles.here)/kickstart-sandbox")),
                arguments: [path],
                output: .string(limit: 1 << 16),
                error: .string(limit: 1 << 16)
            )
            try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        }

        func text(_ name: String) -> String? { try? PXEFiles.text("\(path)/\(name)") }
        var status: String? { text("status")?.split(separator: "\n").first.map(String.init) }

        func remove() async throws {
            _ = try await Subprocess.run(.path("/bin/rm"), arguments: ["-rf", path], output: .discarded)
        }
    }

    private static func withSandbox(_ body: (Sandbox) async throws -> Void) async throws {
        let sandbox = try Sandbox()
        do { try await body(sandbox) } catch {
            try await sandbox.remove()
            throw error
        }
        try await sandbox.remove()
    }

    /// The section of a kickstart whose server is the sandbox's.
    private static func script(_ head: String, _ kickstart: Kickstart) throws -> String {
        let recipes = try KickstartRecipes(
            server: ServerLocation(address: .loopback),
            engine: KickstartSamples.engine
        ) { try PXEFiles.text("\(PXEFiles.kickstartDirectory)/\($0)") }
        let section = sections(try recipes.text(for: kickstart)).first { $0.head.hasPrefix(head) }
        return try #require(section).script
    }

    private static func digest(of path: String) async throws -> Nonce {
        let result = try await Subprocess.run(
            .path("/usr/bin/sha256sum"),
            arguments: [path],
            output: .string(limit: 4096)
        )
        return try #require(Nonce(hex: result.standardOutput.prefix(64)))
    }

    private static func plainHost() throws -> Kickstart {
        try KickstartSamples.plain(try KickstartSamples.storage(KickstartSamples.disks("virtio-DISK0001")))
    }

    // MARK: %post

    @Test("%post fetches the agent, checks it, tells it its engine, and starts it from the next boot on")
    func installsTheAgent() async throws {
        try await Self.withSandbox { sandbox in
            let served = "\(sandbox.path)/served/boot/muster-agent"
            try PXEFiles.write(Self.agent, to: served)
            var kickstart = try Self.plainHost()
            kickstart.payload = .packages(agent: try await Self.digest(of: served))
            try await sandbox.run(try Self.script("%post --erroronfail", kickstart))
            #expect(sandbox.status == "0", "\(sandbox.text("output") ?? "")")
            #expect(sandbox.text("out/usr/bin/muster-agent") == Self.agent)
            #expect(access("\(sandbox.path)/out/usr/bin/muster-agent", X_OK) == 0)
            let arguments = NodeArguments(KernelArguments(sandbox.text("out/etc/muster-agent/arguments") ?? ""))
            #expect(arguments.engine == EngineAddress("engine.example:8443"))
            #expect(arguments.engineFingerprint?.description == KickstartSamples.engine?.fingerprint)
            #expect(sandbox.text("out/etc/passwd")?.contains("vdsm:x:36:36:") == true)
            for unit in ["apply", "register", "serve"] {
                let text = sandbox.text("out/etc/systemd/system/muster-\(unit).service") ?? ""
                #expect(text.contains("\nExecStart=/usr/bin/muster-agent \(unit)"))
                let wanted = "\(sandbox.path)/out/etc/systemd/system/multi-user.target.wants/muster-\(unit).service"
                var status = stat()
                #expect(lstat(wanted, &status) == 0, "\(unit) is not enabled")
            }
        }
    }

    @Test("an agent that is not the one that the engine named is not installed")
    func refusesAnotherAgent() async throws {
        try await Self.withSandbox { sandbox in
            try PXEFiles.write("#!/bin/sh\necho evil\n", to: "\(sandbox.path)/served/boot/muster-agent")
            try await sandbox.run(try Self.script("%post --erroronfail", try Self.plainHost()))
            #expect(sandbox.status == "1")
            #expect(sandbox.text("output")?.contains("is not the one that the engine named") == true)
            #expect(sandbox.text("out/usr/bin/muster-agent") == nil)
            #expect(sandbox.text("out/etc/systemd/system/muster-register.service") == nil)
        }
    }

    @Test("%post of a node image tells its agent where the engine is")
    func configuresANode() async throws {
        try await Self.withSandbox { sandbox in
            let storage = try KickstartSamples.storage(KickstartSamples.disks("virtio-DISK0001"), layout: .thinLVM)
            try await sandbox.run(try Self.script("%post --erroronfail", try KickstartSamples.node(storage)))
            #expect(sandbox.status == "0", "\(sandbox.text("output") ?? "")")
            let arguments = NodeArguments(KernelArguments(sandbox.text("out/etc/muster/site/arguments") ?? ""))
            #expect(arguments.engine == EngineAddress("engine.example:8443"))
        }
    }

    @Test("the last %post reports by the token of the report")
    func reports() async throws {
        try await Self.withSandbox { sandbox in
            let kickstart = try Self.plainHost()
            try await sandbox.run(try Self.script("%post --nochroot", kickstart))
            #expect(sandbox.status == "0", "\(sandbox.text("output") ?? "")")
            #expect(sandbox.text("requests") == "/kickstart/\(kickstart.reportToken)/installed\n")
        }
    }

    // MARK: %pre

    struct Disks: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var disks: String
        var wipe = false
        /// What the engine is told; `nil` when all is well.
        var refusal: String?
    }

    @Test(
        "%pre stops before anything is written, unless every named disk is there and empty or may be wiped",
        arguments: [
            Disks(testDescription: "empty", disks: "virtio-A 64M blank\nvirtio-B 64M blank\n"),
            Disks(
                testDescription: "missing",
                disks: "virtio-A 64M blank\nvirtio-B 64M none\n",
                wipe: true,
                refusal: "there is no disk /dev/disk/by-id/virtio-B"
            ),
            Disks(
                testDescription: "a file system",
                disks: "virtio-A 64M ext4\nvirtio-B 64M blank\n",
                refusal: "/dev/disk/by-id/virtio-A holds data, and wiping it was not asked for"
            ),
            Disks(
                testDescription: "what no tool knows",
                disks: "virtio-A 64M blank\nvirtio-B 64M noise\n",
                refusal: "/dev/disk/by-id/virtio-B holds data, and wiping it was not asked for"
            ),
            Disks(
                testDescription: "a partition table",
                disks: "virtio-A 64M blank\nvirtio-B 64M gpt\n",
                refusal: "/dev/disk/by-id/virtio-B h"
            ),
            Disks(
                testDescription: "one disk under two names",
                disks: "virtio-A 64M blank\nvirtio-B 64M same\n",
                refusal: "/dev/disk/by-id/virtio-B is named twice, under two names"
            ),
            Disks(
                testDescription: "data that may be wiped",
                disks: "virtio-A 64M ext4\nvirtio-B 64M gpt\n",
                wipe: true
            ),
        ]
    )
    func checksDisks(_ sample: Disks) async throws {
        try await Self.withSandbox { sandbox in
            try PXEFiles.write(sample.disks, to: "\(sandbox.path)/disks")
            let disks = try KickstartSamples.disks("virtio-A", "virtio-B")
            let kickstart = try KickstartSamples.plain(try KickstartSamples.storage(disks, .mirror, wipe: sample.wipe))
            try await sandbox.run("udevadm() { :; }\n" + (try Self.script("%pre", kickstart)))
            let output = sandbox.text("output") ?? ""
            #expect(sandbox.status == (sample.refusal == nil ? "0" : "1"), "\(output)")
            guard let refusal = sample.refusal else {
                #expect(sandbox.text("requests") == nil)
                return
            }
            #expect(output.contains("Muster: \(refusal)"), "\(output)")
            let request = sandbox.text("requests") ?? ""
            #expect(request.hasPrefix("/kickstart/\(kickstart.reportToken)/failed?detail="))
            let detail = String(request.map { $0 == "+" ? " " : $0 })
            #expect(PercentEncoding.decode(detail)?.contains(refusal) == true, "\(request)")
        }
    }
}
