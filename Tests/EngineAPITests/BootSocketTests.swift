import BootServer
import Foundation
import Glibc
import HostModel
import Logging
import ServiceLifecycle
import Subprocess
import Synchronization
import SystemPackage
import Testing

@testable import EngineAPI

/// Answers from memory, and remembers what it was told.
private final class MemoryDirectory: BootDirectory {
    let recorded = Mutex<[BootEvent]>([])
    let token = Nonce.random()

    func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket { ArrivalTicket(token: token) }

    func answer(_ request: BootRequest) async throws -> BootAnswer {
        BootAnswer(profile: BootProfile(name: "deny", mode: .deny), reason: "mac \(request.mac)")
    }

    func record(_ events: [BootEvent]) async throws { recorded.withLock { $0 += events } }

    func reservations() async throws -> [AddressReservation] {
        [AddressReservation(mac: try #require(MACAddress("52:54:00:00:00:01")), address: .loopback)]
    }
}

@Suite struct BootSocketTests {
    private let directory = MemoryDirectory()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let path = "/tmp/muster-boot-socket-\(getpid())-\(UniqueID.random().rawValue.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }

    /// Runs the listener while `body` talks to it, then stops it as SIGTERM would.
    private func withSocket<Result: Sendable>(
        at path: String,
        _ body: @escaping @Sendable (String) async throws -> Result
    ) async throws -> Result {
        let (listening, signal) = AsyncStream.makeStream(of: Void.self)
        let listener = BootSocketListener(directory: directory, path: path, group: getegid(), logger: logger) {
            signal.finish()
        }
        let group = ServiceGroup(configuration: .init(services: [.init(service: listener)], logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await _ in listening {}
            let result = try await body(path)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        }
    }

    /// Status code and body, as curl saw them.
    private static func call(_ socket: String, _ arguments: [String]) async throws -> (status: String, body: String) {
        let result = try await Subprocess.run(
            .path("/usr/bin/curl"),
            arguments: Arguments(
                ["--silent", "--max-time", "20", "--unix-socket", socket, "--write-out", "\n%{http_code}"] + arguments
            ),
            output: .string(limit: 1 << 20)
        )
        let lines = result.standardOutput.split(separator: "\n", omittingEmptySubsequences: false)
        return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n"))
    }

    @Test func answersRecordsAndRefuses() async throws {
        try await withDirectory { place in
            try await withSocket(at: "\(place)/boot.sock") { socket in
                let question = #"{"mac":"52:54:00:12:34:56","firmware":"bios"}"#
                let answer = try await Self.call(socket, ["--data", question, "http://engine/boot/answer"])
                #expect(answer.status == "200")
                #expect(answer.body.contains(#""reason":"mac 52:54:00:12:34:56""#))
                let events = #"[{"mac":"52:54:00:12:34:56","stage":"loader","detail":"asked for ipxe.efi"}]"#
                #expect(try await Self.call(socket, ["--data", events, "http://engine/boot/events"]).status == "204")
                let kept = try await Self.call(socket, ["http://engine/boot/reservations"])
                #expect(kept.body == #"[{"address":"127.0.0.1","mac":"52:54:00:00:00:01"}]"#)
                for (body, status) in [("{", "400"), ("{}", "400"), (#"{"mac":"zz","firmware":"bios"}"#, "400")] {
                    let refusal = try await Self.call(socket, ["--data", body, "http://engine/boot/answer"])
                    #expect(refusal.status == status)
                    #expect(refusal.body.contains(#""fault""#))
                }
                #expect(try await Self.call(socket, ["http://engine/ovirt-engine/api"]).status == "404")
            }
            #expect(directory.recorded.withLock { $0.map(\.stage) } == [.loader])
        }
    }

    @Test("the token of an announced machine goes all the way to what the boot servers ask")
    func arrivalToken() async throws {
        try await withDirectory { place in
            try await withSocket(at: "\(place)/boot.sock") { [logger, directory] socket in
                let remote = try RemoteBootDirectory(socketPath: socket)
                let events = BootEventQueue(directory: remote, logger: logger)
                let asked = QueueingDirectory(directory: remote, events: events)
                let mac = try #require(MACAddress("52:54:00:12:34:56"))
                let ticket = try await asked.issueArrival(BootRequest(mac: mac, firmware: .bios))
                #expect(ticket.token == directory.token)
                remote.close()
            }
        }
    }

    @Test func onlyOwnerAndGroupMayConnect() async throws {
        try await withDirectory { place in
            try await withSocket(at: "\(place)/boot.sock") { socket in
                let attributes = try FileManager.default.attributesOfItem(atPath: socket)
                #expect(attributes[.posixPermissions] as? Int == 0o660)
            }
            #expect(!FileManager.default.fileExists(atPath: "\(place)/boot.sock"), "it is gone after the stop")
        }
    }

    @Test func takesThePlaceOfASocketThatAKilledEngineLeft() async throws {
        try await withDirectory { place in
            let path = "\(place)/boot.sock"
            try makeDeadSocket(path)
            try await withSocket(at: path) { socket in
                let answer = try await Self.call(socket, ["http://engine/boot/reservations"])
                #expect(answer.status == "200")
                #expect(throws: ListenError.self, "a socket that is answered is left alone") {
                    try StaleSocket.remove(socket)
                }
            }
            try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: ListenError.self) { try StaleSocket.remove(path) }
            #expect(FileManager.default.contents(atPath: path) == Data("precious".utf8))
        }
    }

    /// A bound socket file without a listener.
    private func makeDeadSocket(_ path: String) throws {
        let descriptor = try FileDescriptor.socketFile(at: path)
        try descriptor.close()
    }
}

extension FileDescriptor {
    fileprivate static func socketFile(at path: String) throws -> FileDescriptor {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard descriptor >= 0, status == 0 else { throw Errno(rawValue: errno) }
        return FileDescriptor(rawValue: descriptor)
    }
}
