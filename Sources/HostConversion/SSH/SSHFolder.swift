import Glibc
import Synchronization
import SystemPackage

/// The private folder of one connection: ssh's configuration, the pinned host keys, the control socket, and the program
/// that answers its questions. Mode 0700; gone when the connection is. What is secret lies in no file: it waits in pipes,
/// and so ends with this process, however that ends.
final class SSHFolder: Sendable {
    /// Unix sockets have 107 bytes for their path; ssh appends a suffix of 17 while it binds.
    private static let pathBytesMax = 70
    private static let nameTemplate = "muster-ssh.XXXXXX"

    /// What a pipe takes without a reader.
    static let secretBytesMax = 4096

    let path: FilePath
    private let secrets = Mutex<[String: FileDescriptor]>([:])

    init() throws(ConversionError) {
        let wanted = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        // ssh expands `%`, `~` and `$` in the paths of its configuration, and the name must leave room for the socket.
        let isGood = wanted.hasPrefix("/") && wanted.utf8.count <= Self.pathBytesMax - Self.nameTemplate.utf8.count - 1
        let isPlain = wanted.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                || "-._/".utf8.contains($0)
        }
        let folder = isGood && isPlain ? wanted : "/tmp"
        var template = Array("\(folder)/\(Self.nameTemplate)".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Self.failure("make a private folder in \(folder)")
        }
        path = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    deinit {
        withdraw()
        for name in Self.names { unlink(file(name).string) }
        rmdir(path.string)
    }

    /// Everything that may lie in it.
    private static let names = [
        "config", "known_hosts", "scan", "scan.jump", "control", "askpass", "target.password", "target.passphrase",
        "jump.password", "jump.passphrase", "target.identity", "jump.identity",
    ]

    func file(_ name: String) -> FilePath { path.appending(name) }

    func write(_ text: String, to name: String, permissions: FilePermissions = [.ownerReadWrite])
        throws(ConversionError)
    {
        do {
            let file = try FileDescriptor.open(
                self.file(name),
                .writeOnly,
                options: [.create, .truncate, .noFollow],
                permissions: permissions
            )
            try file.closeAfter { _ = try file.writeAll(text.utf8) }
        } catch {
            throw Self.failure("write in \(path)", error)
        }
    }

    func read(_ name: String, limit: Int) -> String {
        guard let file = try? FileDescriptor.open(file(name), .readOnly) else { return "" }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try? file.closeAfter { try bytes.withUnsafeMutableBytes { try file.read(into: $0) } }
        return String(decoding: bytes.prefix(count ?? 0), as: UTF8.self)
    }

    /// Lets whoever reads the pipe `name` have this line, once; until `withdraw`.
    func offer(_ secret: String, as name: String) throws(ConversionError) {
        let line = Array("\(secret)\n".utf8)
        guard line.count <= Self.secretBytesMax else {
            throw ConversionError(
                .argument,
                "the password is longer than \(Self.secretBytesMax - 1) bytes",
                remedy: "give a shorter one"
            )
        }
        withdraw(name)
        guard mkfifo(file(name).string, 0o600) == 0 else { throw Self.failure("make a pipe in \(path)") }
        do {
            // Open for both, it waits for no reader, and holds what is written.
            let pipe = try FileDescriptor.open(
                file(name),
                .readWrite,
                options: [.nonBlocking, .noFollow, .closeOnExec]
            )
            secrets.withLock { $0[name] = pipe }
            _ = try pipe.writeAll(line)
        } catch {
            throw Self.failure("write in \(path)", error)
        }
    }

    /// Takes back what was offered; of all pipes where none is named.
    func withdraw(_ name: String? = nil) {
        let pipes = secrets.withLock { secrets in
            let taken = secrets.filter { name == nil || $0.key == name }
            for key in taken.keys { secrets[key] = nil }
            return taken
        }
        for (name, pipe) in pipes {
            remove(name)
            try? pipe.close()
        }
    }

    func remove(_ name: String) { unlink(file(name).string) }

    /// The key file under a name without blanks, `%` and quotes, as ssh's configuration needs it.
    func link(_ name: String, to target: FilePath) throws(ConversionError) {
        remove(name)
        guard symlink(target.string, file(name).string) == 0 else { throw Self.failure("write in \(path)") }
    }

    /// A file without a name, in memory where the machine has /dev/shm, with these bytes and, behind them, the content of
    /// `payload`; at its beginning. The bytes may hold a password.
    static func input(_ head: [UInt8], payload: FilePath?) throws(ConversionError) -> FileDescriptor {
        guard let descriptor = nameless(in: "/dev/shm") ?? nameless(in: "/tmp") else {
            throw failure("make a file in /tmp")
        }
        let input = FileDescriptor(rawValue: descriptor)
        do {
            try input.writeAll(head)
            if let payload {
                let source = try FileDescriptor.open(payload, .readOnly)
                try source.closeAfter { try copy(source, to: input) }
            }
            _ = try input.seek(offset: 0, from: .start)
            return input
        } catch {
            try? input.close()
            throw failure("read \(payload?.string ?? "a script")", error)
        }
    }

    private static func nameless(in folder: String) -> Int32? {
        var template = Array("\(folder)/muster-ssh.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        return descriptor
    }

    private static func copy(_ source: FileDescriptor, to target: FileDescriptor) throws {
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try chunk.withUnsafeMutableBytes { try source.read(into: $0) }
            guard count > 0 else { return }
            try target.writeAll(chunk.prefix(count))
        }
    }

    private static func failure(_ what: String, _ error: (any Error)? = nil) -> ConversionError {
        let why = error.map { "\($0)" } ?? String(cString: strerror(errno))
        return ConversionError(
            .files,
            "could not \(what): \(why)",
            remedy: "see its permissions and the free space there"
        )
    }
}
