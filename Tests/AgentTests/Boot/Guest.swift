import Agent
import HostModel
import Subprocess
import SystemPackage
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The node image as it is built here.
struct NodeImage {
    let folder: FilePath

    static let repository = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        .removingLastComponent()

    /// Builds it where the demo keeps its own, so that both build it once.
    static func build() async throws -> NodeImage {
        let build = repository.appending(".build")
        let text = try await output(
            build.appending("debug/muster").string,
            [
                "image", "build", repository.appending("images/node-minimal.yaml").string, "--output",
                build.appending("demo/images").string, "--cache-directory", build.appending("demo/cache").string,
                "--format", "json", "--agent", repository.appending(".build-agent/muster-agent").string,
            ]
        )
        let marked = text.split(separator: "\n").first { $0.contains("\"directory\"") }
        let quoted = try #require(marked?.split(separator: "\"").last { $0.contains("/") })
        return NodeImage(folder: FilePath(String(quoted).replacing("\\/", with: "/")))
    }

    func file(_ name: String) -> String { folder.appending(name).string }

    static func output(_ program: String, _ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(arguments),
            output: .string(limit: 16 << 20),
            error: .string(limit: 1 << 20)
        )
        try #require(result.terminationStatus.isSuccess, "\(program): \(result.standardError)")
        return result.standardOutput
    }
}

/// A QEMU guest that boots the node image by -kernel and -initrd, with a serial console that is read and typed on.
final class Guest: Sendable {
    private let folder: TemporaryDirectory
    private let pid: pid_t

    private init(_ folder: TemporaryDirectory, pid: pid_t) { (self.folder, self.pid) = (folder, pid) }

    /// Runs `body` beside the guest, which is then switched off hard.
    static func run(
        _ image: NodeImage,
        arguments: String,
        options: [String] = [],
        _ body: (Guest) async throws -> Void
    ) async throws {
        let folder = TemporaryDirectory()
        func file(_ name: String) -> String { folder.directory.file(name).string }
        let words =
            [
                "-accel", "tcg", "-machine", "q35", "-cpu", "max", "-m", "768", "-display", "none", "-no-reboot",
                "-nodefaults", "-kernel", image.file("vmlinuz"), "-initrd", image.file("initramfs.zst"), "-append",
                "console=ttyS0,115200n8 \(arguments)", "-chardev",
                "socket,id=line,path=\(file("serial")),server=on,wait=off,logfile=\(file("console.log"))", "-serial",
                "chardev:line", "-monitor", "unix:\(file("monitor")),server=on,wait=off", "-netdev", "user,id=net",
                "-device", "virtio-net-pci,netdev=net,romfile=", "-device", "qemu-xhci",
            ] + options
        let configuration = Configuration(executable: .name("qemu-system-x86_64"), arguments: Arguments(words))
        // QEMU says nothing unless something is wrong with its arguments, and that is little.
        _ = try await Subprocess.run(
            configuration,
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let guest = Guest(folder, pid: execution.processIdentifier.value)
            defer { kill(guest.pid, SIGKILL) }
            try await body(guest)
        }
    }

    /// What the console showed so far.
    var screen: String {
        let bytes = (try? readFile(folder.directory.file("console.log"), limit: 16 << 20)) ?? []
        return String(decoding: bytes.filter { $0 != 13 }, as: UTF8.self)
    }

    /// Waits until the console shows the text behind its first `mark` characters; how many it has up to the text's end.
    @discardableResult
    func await(_ text: String, after mark: Int = 0, seconds: Int = 240) async throws -> Int {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let now = screen
            if let found = now.dropFirst(mark).firstRange(of: text) {
                return now.distance(from: now.startIndex, to: found.upperBound)
            }
            try #require(kill(pid, 0) == 0, "the guest ended: \(now.suffix(2000))")
            try #require(ContinuousClock.now < deadline, "\(text) never came: \(now.suffix(4000))")
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// The approval code on the screen.
    func code() async throws -> String {
        try await self.await("Approval code: ")
        let line = screen.split(separator: "\n").last { $0.hasPrefix("Approval code: ") }
        return String(try #require(line).dropFirst("Approval code: ".count))
    }

    func type(_ text: String) async throws { try await send("serial", text) }

    /// A command of QEMU's monitor.
    func monitor(_ command: String) async throws { try await send("monitor", command + "\\n") }

    private func send(_ socket: String, _ text: String) async throws {
        let script = #filePath.replacing("Guest.swift", with: "unix-send.py")
        _ = try await NodeImage.output("python3", [script, folder.directory.file(socket).string, text])
    }

    /// Opens the console's shell. The password is `word`.
    func openShell() async throws {
        var mark = screen.count
        try await type("6")
        mark = try await self.await("Password: ", after: mark)
        try await type("word\\r")
        mark = try await self.await("leads back", after: mark)
        try await self.await("# ", after: mark)
    }
}
