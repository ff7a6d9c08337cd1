import Agent
import Crypto
import FoundationEssentials
import Glibc
import HostModel
import Subprocess
import SystemPackage
import Testing

/// A disk (a loop device over a sparse file), signed images, and `muster-agent` as a program between them.
final class InstallRig: Sendable {
    let folder = TemporaryDirectory()
    let key: SigningKey
    /// `/dev/loop3`, and the name of its file, which stands for the serial number.
    let device: String
    let serial: String
    let size: Int64

    struct Ended: Sendable {
        var code: Int
        var output: String
        var error: String

        /// The lines of `--progress json`.
        var progress: [InstallProgress] {
            output.split(separator: "\n").compactMap {
                try? JSONDecoder().decode(InstallProgress.self, from: Data($0.utf8))
            }
        }
    }

    /// `blocks`: bytes of the disk's blocks.
    init(mebibytes: Int64 = 640, sectors odd: Int64 = 0, blocks: Int = 512) async throws {
        key = try await SigningKey(.ec)
        serial = "disk-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        size = mebibytes << 20 + odd * 512
        let file = folder.directory.file(serial)
        let descriptor = try FileDescriptor.open(file, .readWrite, options: .create, permissions: [.ownerReadWrite])
        try descriptor.resize(to: size)
        try descriptor.close()
        device =
            try await Self.run(["losetup", "--find", "--show", "--sector-size", "\(blocks)", file.string]).output
            .split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        try await writeLoaders()
        for name in ["state", "run"] { _ = try folder.directory(name) }
        try folder.directory.write([], to: "cmdline")
    }

    /// Lets go of the disk.
    func close() async throws { try await detach(device) }

    func detach(_ device: String) async throws { _ = try await Self.run(["losetup", "--detach", device]) }

    /// A second disk with the same bytes; gives its device.
    func copy() async throws -> String {
        let file = path(serial + "-copy")
        _ = try await Self.run(["cp", "--sparse=always", path(serial), file])
        return try await Self.run(["losetup", "--find", "--show", file]).output
            .split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }

    func path(_ name: String) -> String { folder.directory.file(name).string }

    // MARK: Images

    /// A folder with kernel, initramfs, loaders, manifest and signature. `seed` makes its content its own.
    @discardableResult
    func image(
        _ name: String,
        seed: UInt8,
        megabytes: Int = 3,
        hasLoaders: Bool = true,
        rollbackIndex: Int? = nil
    ) async throws -> String {
        let image = try folder.directory(name)
        let pattern = (0..<4096).map { UInt8(truncatingIfNeeded: $0) &* seed &+ seed }
        let contents: [(String, ImageManifest.File.Role, [UInt8])] =
            [
                ("vmlinuz", .kernel, pattern),
                (
                    "initramfs.zst", .initramfs,
                    (0..<megabytes * 256).flatMap { pattern + [UInt8(truncatingIfNeeded: $0)] }
                ),
            ] + (hasLoaders ? [("loaders.cpio", .loaders, try folder.directory.readWhole("loaders.cpio"))] : [])
        var files: [ImageManifest.File] = []
        for (name, role, bytes) in contents {
            let file = try FileDescriptor.open(
                image.file(name),
                .writeOnly,
                options: [.create, .truncate],
                permissions: [.ownerReadWrite]
            )
            try file.writeAll(bytes)
            try file.close()
            files.append(
                .init(
                    name: name,
                    role: role,
                    size: Int64(bytes.count),
                    sha256: try #require(Nonce(bytes: Array(SHA256.hash(data: bytes))))
                )
            )
        }
        let manifest = ImageManifest(
            name: name,
            version: "00000000000\(seed % 10)",
            architecture: "x86_64",
            kernelVersion: "6.1",
            kernelArguments: ["console=ttyS0"],
            rollbackIndex: rollbackIndex,
            files: files
        )
        let text = Array(try JSONEncoder().encode(manifest))
        try image.write(text, to: "manifest.json")
        try image.write(try await key.sign(text), to: "manifest.json.p7s")
        return image.path.string
    }

    private func writeLoaders() async throws {
        let parts = try folder.directory("loaders")
        try parts.write([UInt8](repeating: 0x90, count: 440), to: "boot.img")
        try parts.write([UInt8](repeating: 0xC0, count: 1024), to: "core.img")
        try parts.write("67108864".utf8, to: "esp.size")
        _ = try folder.directory("loaders/esp")
        try folder.directory.write(BootEnvironment(good: .a).bytes, to: "grubenv")
        let esp = path("esp.img")
        _ = try await Self.run(["mkfs.fat", "--invariant", "-F", "32", "-s", "1", "-C", esp, "65536"])
        _ = try await Self.run(["mmd", "-i", esp, "::/muster"])
        _ = try await Self.run(["mcopy", "-i", esp, path("grubenv"), "::/muster/grubenv"])
        let head = try folder.directory.readWhole("esp.img").prefix(4 << 20)
        let file = try FileDescriptor.open(
            folder.directory.file("loaders/esp/0000000000000000"),
            .writeOnly,
            options: .create,
            permissions: [.ownerReadWrite]
        )
        try file.writeAll(head)
        try file.close()
        _ = try await Self.run(
            ["bsdcpio", "-o", "-H", "newc", "--quiet", "-O", path("loaders.cpio")],
            input: "boot.img\ncore.img\nesp.size\nesp\nesp/0000000000000000\n",
            in: parts.path
        )
    }

    // MARK: Programs

    func agent(_ arguments: [String]) async throws -> Ended {
        try await Self.run([Self.program] + words(arguments), check: false)
    }

    private func words(_ arguments: [String]) -> [String] {
        [arguments[0], "--loop-devices", "--certificates", key.path("certificate.pem"), "--state", path("state")]
            + ["--run", path("run"), "--command-line", path("cmdline")] + arguments.dropFirst()
    }

    /// Ends the program by SIGKILL as soon as `step` is told, or after `count` lines.
    func agentKilled(_ arguments: [String], at step: String, percent: Int = 0) async throws {
        let configuration = Configuration(
            executable: Self.executable(Self.program),
            arguments: Arguments(words(arguments + ["--progress", "json"]))
        )
        _ = try await Subprocess.run(configuration, input: .none, output: .sequence, error: .discarded) { execution in
            for try await line in execution.standardOutput.strings() where line.contains("\"step\":\"\(step)\"") {
                let told = try JSONDecoder().decode(InstallProgress.self, from: Data(line.utf8))
                if percent > 0 {
                    guard let done = told.done, let total = told.total, done * 100 >= total * Int64(percent) else {
                        continue
                    }
                }
                kill(execution.processIdentifier.value, SIGKILL)
                break
            }
        }
    }

    @discardableResult
    static func run(
        _ words: [String],
        input: String = "",
        in folder: FilePath? = nil,
        check: Bool = true
    ) async throws -> Ended {
        let result = try await Subprocess.run(
            executable(words[0]),
            arguments: Arguments(Array(words.dropFirst())),
            workingDirectory: folder,
            input: .string(input),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        var code = -1
        if case .exited(let status) = result.terminationStatus { code = Int(status) }
        try #require(!check || code == 0, "\(words): \(result.standardError)")
        return Ended(code: code, output: result.standardOutput, error: result.standardError)
    }

    private static func executable(_ name: String) -> Executable {
        name.contains("/") ? .path(FilePath(name)) : .name(name)
    }

    private static var program: String { AgentRig.program }

    // MARK: The disk

    func bytes(at offset: Int64, count: Int) throws -> [UInt8] {
        let file = try FileDescriptor.open(FilePath(device), .readOnly)
        defer { try? file.close() }
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try file.read(fromAbsoluteOffset: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// True when a firmware would start something: code in the MBR, or a file system for UEFI.
    func isBootable() throws -> Bool {
        let code = try bytes(at: 0, count: 440).contains { $0 != 0 }
        return try code || bytes(at: 2 << 20, count: 512).contains { $0 != 0 }
    }

    /// What a checker says of a partition: `start` and `size` in MiB.
    func check(_ tool: [String], start: Int64, mebibytes: Int64) async throws -> Ended {
        let loop =
            try await Self.run(
                [
                    "losetup", "--find", "--show", "--read-only", "--offset", String(start << 20), "--sizelimit",
                    String(mebibytes << 20), device,
                ]
            ).output.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        let ended = try await Self.run(tool + [loop], check: false)
        _ = try await Self.run(["losetup", "--detach", loop])
        return ended
    }

    /// The agent's words for this disk.
    func report() async throws -> DiskReport {
        let text = try await agent(["disks", "--json"]).output
        let disks = try JSONDecoder().decode([DiskReport].self, from: Data(text.utf8))
        return try #require(disks.first { $0.serial == serial })
    }

    /// From now on the agent runs from this slot of the disk.
    func start(from slot: BootSlot, _ more: String = "") async throws {
        let guid = try #require(try await report().muster?.guid)
        try folder.directory.write("muster.slot=\(slot.rawValue) muster.disk=\(guid) \(more)\n".utf8, to: "cmdline")
    }

    func slots() async throws -> DiskReport.Installation {
        let ended = try await agent(["slots", "--json"])
        return try JSONDecoder().decode(DiskReport.Installation.self, from: Data(ended.output.utf8))
    }
}

extension NodeDirectory {
    /// A file of any size.
    func readWhole(_ name: String) throws -> [UInt8] { try readFile(file(name), limit: 1 << 30) ?? [] }
}
