import Crypto
import Foundation
import Glibc
import HostModel
import Subprocess
import Testing

@testable import BootServer

/// An engine and a `muster-boot` of another segment as programs, in the server's namespace of a `BootNetwork`, and what a person
/// and a machine do with them.
struct SegmentPrograms: Sendable {
    let network: BootNetwork
    /// Of the test.
    let directory: String

    static let password = "correct horse"
    static let engineURL = "https://10.77.0.1:8443"

    private var data: String { "\(directory)/data" }

    func initialize() async throws {
        try Data("\(Self.password)\n".utf8).write(to: URL(filePath: "\(directory)/password"))
        for loader in ["snponly.efi", "undionly.kpxe"] {
            try Data(repeating: 7, count: 5000).write(to: URL(filePath: "\(directory)/\(loader)"))
        }
        let made = try await network.runServer([
            try BootNetwork.program("muster-engine"), "init", "--data-directory", data, "--address", "10.77.0.1",
            "--admin-password-file", "\(directory)/password",
        ])
        try #require(made.isSuccess, "\(made.output)")
    }

    /// Runs a program in the server's namespace; it is killed at the end of `body`, if it runs then.
    @discardableResult
    private func running(
        _ words: [String],
        log: BootLog,
        until mark: String,
        _ body: (pid_t) async throws -> Void
    ) async throws -> TerminationStatus {
        try await run(
            .name("ip"),
            arguments: Arguments(["netns", "exec", network.server] + words),
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let (pid, output) = (execution.processIdentifier.value, execution.standardOutput)
            async let reading: Void = {
                for try await line in output.strings() { log.append(line) }
                log.end()
            }()
            defer { kill(pid, SIGKILL) }
            guard await log.waits(for: mark) else { throw ServerEnded(log: log.text) }
            try await body(pid)
            kill(pid, SIGKILL)
            try await reading
        }.terminationStatus
    }

    /// Without the supervisor that would start it again.
    func engine(_ body: () async throws -> Void) async throws {
        let words = [
            try BootNetwork.program("muster-engine"), "serve", "--data-directory", data, "--runtime-directory",
            "\(directory)/run", "--listen", "10.77.0.1", "--https-port", "8443", "--boot", "none", "--unprivileged",
        ]
        try await running(words, log: BootLog(), until: "ready: ") { _ in try await body() }
    }

    /// The words are the mark of its first lines; the body is given its process.
    @discardableResult
    func bootServer(
        _ log: BootLog,
        until mark: String = "TFTP serves",
        _ body: (pid_t) async throws -> Void
    ) async throws -> TerminationStatus {
        let words = [
            try BootNetwork.program("muster-boot"), "--interface", "br0", "--address", "10.77.0.1/24",
            "--pool", "10.77.0.10-10.77.0.20", "--engine-url", Self.engineURL, "--name", "rack-7",
            "--state-directory", "\(directory)/state", "--loader-directory", "\(directory)",
            "--pxe-directory", BootNetwork.checkout + "/pxe",
        ]
        return try await running(words, log: log, until: mark, body)
    }

    /// What a person asks the engine; its answer.
    @discardableResult
    func ask(_ method: String, _ path: String, _ body: String? = nil) async throws -> String {
        var words = [
            "curl", "--silent", "--insecure", "--max-time", "20", "--user", "admin@internal:\(Self.password)",
            "--request", method, "--header", "Accept: application/json", "--write-out", "\n%{http_code}",
            "\(Self.engineURL)/ovirt-engine/\(path)",
        ]
        if let body { words += ["--header", "Content-Type: application/json", "--data-binary", body] }
        let answer = try await network.runServer(words)
        try #require(answer.output.contains("\n2"), "\(method) \(path): \(answer.output)")
        return String(answer.output.prefix(upTo: answer.output.lastIndex(of: "\n") ?? answer.output.endIndex))
    }

    /// A machine of this card claims to be a host, as a node does, so that the engine knows it.
    func makeKnown(_ mac: String, as name: String) async throws {
        let request = try await network.runServer([
            "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=node", "-keyout", "\(directory)/\(name).key", "-out", "\(directory)/\(name).csr",
        ])
        try #require(request.isSuccess, "\(request.output)")
        let card = HostFacts.Interface(
            name: HostileText("eth0"),
            mac: try #require(MACAddress(mac)),
            hasCarrier: true
        )
        let nonce = Nonce.random()
        let claim = ClaimRequest(
            certificateRequest: try String(contentsOfFile: "\(directory)/\(name).csr", encoding: .utf8),
            nonceHash: try #require(Nonce(bytes: Array(SHA256.hash(data: nonce.bytes)))),
            hardwareID: try #require(HardwareID("id-of-\(name)")),
            name: HostName(name),
            address: .loopback,
            port: 54321,
            facts: HostFacts(interfaces: [card])
        )
        let body = String(decoding: try JSONEncoder().encode(claim), as: UTF8.self)
        let reply = try await ask("POST", "services/muster-claim", body)
        let id = try JSONDecoder().decode(ClaimReply.self, from: Data(reply.utf8)).claim
        try await ask("POST", "services/muster-claim/\(id)/nonce", #"{"nonce":"\#(nonce)"}"#)
    }

    /// Publishes a version of node-minimal whose initramfs has this content; the file's SHA-256.
    func publish(_ version: String, initramfs: Data) async throws -> String {
        let kernel = Data("a kernel".utf8)
        func file(_ name: String, _ role: ImageManifest.File.Role, _ bytes: Data) throws -> ImageManifest.File {
            let digest = try #require(Nonce(bytes: Array(SHA256.hash(data: bytes))))
            return ImageManifest.File(name: name, role: role, size: Int64(bytes.count), sha256: digest)
        }
        let manifest = ImageManifest(
            name: "node-minimal",
            version: version,
            architecture: "x86_64",
            kernelVersion: "6.1",
            kernelArguments: [],
            files: [try file("vmlinuz", .kernel, kernel), try file("initramfs", .initramfs, initramfs)]
        )
        let path = "api/nodeimages/node-minimal/\(version)"
        try await ask("PUT", path, String(decoding: try JSONEncoder().encode(manifest), as: UTF8.self))
        for (name, bytes) in [("vmlinuz", kernel), ("initramfs", initramfs)] {
            try bytes.write(to: URL(filePath: "\(directory)/upload"))
            let sent = try await network.runServer([
                "curl", "--silent", "--insecure", "--fail", "--user", "admin@internal:\(Self.password)", "--request",
                "PUT", "--header", "Content-Range: bytes 0-\(bytes.count - 1)/\(bytes.count)", "--header",
                "Content-Type: application/octet-stream", "--data-binary", "@\(directory)/upload",
                "\(Self.engineURL)/ovirt-engine/\(path)/\(name)",
            ])
            try #require(sent.isSuccess, "\(sent.output)")
        }
        try await ask("POST", "\(path)/publish", "{}")
        return "\(manifest.files[1].sha256)"
    }

    /// Bytes that are no others' when they are shifted.
    static func content(megabytes: Int) -> Data {
        let block = Data((0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) })
        return (0..<megabytes).reduce(into: Data()) { content, _ in content += block }
    }

    /// The script of a machine, as its iPXE asks for it.
    func script(_ mac: String) async throws -> String {
        let path = "http://10.77.0.1/boot/script?mac=\(mac.replacing(":", with: "-"))&platform=efi"
        return try await network.runClient("curl", "--silent", "--max-time", "20", path).output
    }

    /// A file as a machine loads it, asked for again as long as it is on its way; its SHA-256.
    func load(_ version: String, _ file: String) async throws -> String {
        let url = "http://10.77.0.1/images/node-minimal/\(version)/\(file)"
        let words = "curl --silent --fail --retry 30 --retry-all-errors --retry-max-time 100 '\(url)' | sha256sum"
        let loaded = try await network.runClient("sh", "-c", words)
        return String(loaded.output.prefix(64))
    }

    /// What the engine's events say of a machine, the oldest first.
    func steps(of mac: String) async throws -> [String] {
        struct Events: Decodable {
            struct Event: Decodable { var description: String }
            var event: [Event]?
        }
        let text = try await ask("GET", "api/events?max=500")
        let events = try JSONDecoder().decode(Events.self, from: Data(text.utf8)).event ?? []
        return events.map(\.description).filter { $0.contains(mac) }.reversed()
    }
}
