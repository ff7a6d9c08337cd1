package import BootServer
import Foundation
import Glibc
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle

/// BootDirectory over a Unix socket: who may connect is a matter of the file's mode and group, nothing else.
package struct BootSocketListener: Service {
    private let directory: any BootDirectory
    private let path: String
    private let group: UInt32?
    private let logger: Logger
    private let onListening: @Sendable () async -> Void

    /// Mode of the socket: its owner and its group may connect.
    static let mode: mode_t = 0o660
    /// muster-boot keeps a few connections.
    static let connectionsMax = 64

    /// - Parameters:
    ///   - directory: Who answers.
    ///   - path: Of the socket; at most 107 bytes, in a directory that exists.
    ///   - group: The group of muster-boot; `nil` leaves the process's own.
    ///   - logger: Where failures are written.
    ///   - onListening: Told once connections are accepted.
    package init(
        directory: any BootDirectory,
        path: String,
        group: UInt32?,
        logger: Logger,
        onListening: @escaping @Sendable () async -> Void
    ) {
        (self.directory, self.path, self.group) = (directory, path, group)
        (self.logger, self.onListening) = (logger, onListening)
    }

    /// Serves until shut down gracefully, then removes the socket. Throws `ListenError` when it cannot be made.
    package func run() async throws {
        try StaleSocket.remove(path)
        defer { unlink(path) }
        let (bound, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let application = Application(
            router: BootRoutes { [directory] _ in directory }.router(),
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: path),
                availableConnectionsDelegate: .maximum(Self.connectionsMax, logger: logger)
            ),
            onServerRunning: { _ in signal.yield() },
            logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await serve(application) }
            tasks.addTask {
                for await _ in bound { break }
                guard !Task.isCancelled else { return }
                try restrict()
                await onListening()
            }
            while try await tasks.next() != nil {}
        }
    }

    private func serve(_ application: some ApplicationProtocol) async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw ListenError(error, place: "The socket \(path)", setting: "--boot-socket")
        }
    }

    /// Until this only the owner may connect: a new socket is not writable by anyone else.
    private func restrict() throws(ListenError) {
        guard chmod(path, Self.mode) == 0, group.map({ chown(path, uid_t.max, $0) == 0 }) ?? true else {
            throw ListenError(
                "The socket \(path) could not be given to the group \(group ?? getegid()): \(String(cString: strerror(errno))).",
                remedy: "Start as root, or use --boot none."
            )
        }
    }
}

/// A socket file that a killed engine left behind.
enum StaleSocket {
    /// Removes the file when it is a socket on which nobody listens; throws when it is anything else.
    static func remove(_ path: String) throws(ListenError) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return }
        guard attributes[.type] as? FileAttributeType == .typeSocket else {
            throw ListenError("\(path) is not a socket.", remedy: "Move it away, or set --boot-socket.")
        }
        guard !isAnswered(path) else {
            throw ListenError(
                "Another engine listens on \(path).",
                remedy: "Stop it, or set --boot-socket and --data-directory."
            )
        }
        unlink(path)
    }

    private static func isAnswered(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        let bytes = Array(path.utf8)
        guard bytes.count < room else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // EAGAIN: somebody listens, and his queue is full.
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 || errno == EAGAIN
            }
        }
    }
}
