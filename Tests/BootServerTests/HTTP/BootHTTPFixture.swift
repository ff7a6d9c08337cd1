import Glibc
import HostModel
import Logging
import NIOCore
import NIOPosix
import Recipes
import Synchronization
import Testing

@testable import BootServer

/// A directory in memory: answers by a function, and keeps the events.
final class MemoryDirectory: BootDirectory {
    struct Away: Error {}

    /// What it says of kickstarts; without them it has none.
    struct Kickstarts: Sendable {
        var issue: @Sendable (BootRequest) throws -> KickstartTicket
        var fetch: @Sendable (KickstartFetch) throws -> KickstartAnswer
        var report: @Sendable (InstallReport) throws -> InstallReportAnswer
    }

    /// Hands a token out.
    typealias Arrivals = @Sendable (BootRequest) throws -> ArrivalTicket

    private let answers: @Sendable (BootRequest) throws -> BootAnswer
    private let tickets: Arrivals?
    private let kickstarts: Kickstarts?
    private let recorded = Mutex<[BootEvent]>([])
    private let arrivals: AsyncStream<BootEvent>
    private let arrival: AsyncStream<BootEvent>.Continuation

    init(
        kickstarts: Kickstarts? = nil,
        tickets: Arrivals? = nil,
        _ answers: @escaping @Sendable (BootRequest) throws -> BootAnswer
    ) {
        (self.answers, self.kickstarts, self.tickets) = (answers, kickstarts, tickets)
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(100))
    }

    func answer(_ request: BootRequest) async throws -> BootAnswer { try answers(request) }

    func record(_ events: [BootEvent]) async throws {
        recorded.withLock { $0 += events }
        for event in events { arrival.yield(event) }
    }

    func reservations() async throws -> [AddressReservation] { [] }

    func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket {
        guard let tickets else { throw Away() }
        return try tickets(request)
    }

    func issueKickstart(_ request: BootRequest) async throws -> KickstartTicket {
        guard let kickstarts else { throw Away() }
        return try kickstarts.issue(request)
    }

    func fetchKickstart(_ fetch: KickstartFetch) async throws -> KickstartAnswer {
        guard let kickstarts else { throw Away() }
        return try kickstarts.fetch(fetch)
    }

    func report(_ report: InstallReport) async throws -> InstallReportAnswer {
        guard let kickstarts else { throw Away() }
        return try kickstarts.report(report)
    }

    /// The next event, when it has come.
    func nextEvent() async -> BootEvent? {
        var iterator = arrivals.makeAsyncIterator()
        return await iterator.next()
    }

    var events: [BootEvent] { recorded.withLock { $0 } }
}

/// A real server on loopback over a directory of its own, for the time of one test.
struct BootHTTPFixture {
    let server: BootHTTPServer
    let responder: BootHTTPResponder
    let root: String
    let directory: MemoryDirectory

    static let mac = "52-54-00-12-34-56"
    static let firstStage = "#!ipxe\nchain script\n"
    static let kernel = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    static func answer(_ mode: BootProfile.Mode) -> BootAnswer {
        BootAnswer(profile: BootProfile(name: "default", mode: mode), reason: "a test")
    }

    /// The kernel's table of neighbours, in which the tests' own address is a machine's.
    static func neighbours(_ mac: String = mac) -> NeighbourTable {
        let line = "127.0.0.1 0x1 0x2 \(mac.split(separator: "-").joined(separator: ":")) * lo"
        return NeighbourTable(interface: "lo") { "IP address HW type Flags HW address Mask Device\n\(line)\n" }
    }

    /// Runs a body against a server with one image, `/images/node/1/vmlinuz`.
    static func with(
        limits: BootHTTPLimits = BootHTTPLimits(),
        identity: ServerIdentity? = nil,
        machines: MachineLocator = MachineLocator(neighbours: neighbours()),
        kickstarts: MemoryDirectory.Kickstarts? = nil,
        tickets: MemoryDirectory.Arrivals? = nil,
        answers: @escaping @Sendable (BootRequest) throws -> BootAnswer = { _ in answer(.run) },
        _ body: @escaping @Sendable (BootHTTPFixture) async throws -> Void
    ) async throws {
        let root = try makeRoot()
        defer { remove(root) }
        let directory = MemoryDirectory(kickstarts: kickstarts, tickets: tickets, answers)
        let events = BootEventQueue(
            directory: directory,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let address = IPv4Address.loopback
        let recipes = try BootRecipes(server: ServerLocation(address: address), engine: nil) { name in
            let isReal =
                name == BootScript.Kind.kickstart.fileName || name == BootScript.Kind.run.fileName && tickets != nil
            if isReal { return try checkout.text("pxe/\(name)") }
            return name == BootRecipes.firstStageFileName ? firstStage : "#!ipxe\necho \(name)\n"
        }
        let engine = EngineLocation(server: "engine.example")
        let templates = try kickstarts.map { _ in
            try KickstartRecipes(server: ServerLocation(address: address), engine: engine) { name in
                try checkout.text("kickstart/\(name)")
            }
        }
        let responder = BootHTTPResponder(
            recipes: recipes,
            kickstarts: templates,
            directory: directory,
            events: events,
            machines: machines,
            imageDirectory: root + "/images",
            loaderDirectory: root + "/loaders",
            agentFile: root + "/elsewhere/agent",
            limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let server = try await BootHTTPServer.bind(
            address: address,
            port: 0,
            responder: responder,
            identity: identity,
            group: MultiThreadedEventLoopGroup.singleton
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask { await events.run() }
            let result: Result<Void, any Error>
            do {
                result = .success(
                    try await body(
                        BootHTTPFixture(server: server, responder: responder, root: root, directory: directory)
                    )
                )
            } catch {
                result = .failure(error)
            }
            await server.stop(within: .milliseconds(500))
            events.finish()
            try await group.waitForAll()
            try result.get()
        }
    }

    /// The files of this checkout.
    private static let checkout = PXEDirectory(
        path: "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    )

    /// Sends requests over one connection and returns all that comes until the server closes.
    func exchange(_ requests: String) async throws -> String {
        let client = try await RawClient.connect(port: server.port)
        try await client.send(requests)
        let text = await client.untilClosed()
        client.close()
        return text
    }

    /// One GET that ends its connection.
    func get(_ target: String, _ headers: String = "") async throws -> String {
        try await exchange("GET \(target) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\(headers)\r\n")
    }

    private static func makeRoot() throws -> String {
        var template = Array("/tmp/muster-boot-http-\(getpid())-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StartFailure(cause: "no directory", remedy: "Look at /tmp") }
        let root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for path in ["/images", "/images/node", "/images/node/1", "/images/node/1/directory", "/loaders", "/elsewhere"]
        {
            mkdir(root + path, 0o755)
        }
        try write(kernel, to: root + "/images/node/1/vmlinuz")
        try write(kernel, to: root + "/images/node/1/root.squashfs")
        try write([], to: root + "/images/node/1/empty")
        try write(Array(repeating: 1, count: 1000), to: root + "/images/node/1/initramfs.zst")
        try write(Array("an EFI loader".utf8), to: root + "/elsewhere/ipxe.efi")
        try write(Array("an agent".utf8), to: root + "/elsewhere/agent")
        symlink(root + "/elsewhere/ipxe.efi", root + "/loaders/ipxe.efi")
        symlink("/etc/passwd", root + "/images/node/1/link")
        symlink("/etc", root + "/images/etc")
        mkfifo(root + "/images/node/1/pipe", 0o644)
        return root
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        guard let stream = fopen(path, "we") else { throw StartFailure(cause: "no \(path)", remedy: "Look at /tmp") }
        defer { fclose(stream) }
        fwrite(bytes, 1, bytes.count, stream)
    }

    private static func remove(_ root: String) {
        let files = ["vmlinuz", "initramfs.zst", "empty", "link", "pipe"].map { "/images/node/1/" + $0 }
        for path in files + ["/images/etc", "/loaders/ipxe.efi", "/elsewhere/ipxe.efi", "/elsewhere/agent"] {
            unlink(root + path)
        }
        for path in ["/images/node/1/directory", "/images/node/1", "/images/node", "/images", "/loaders", "/elsewhere"]
        {
            rmdir(root + path)
        }
        rmdir(root)
    }
}

extension String {
    /// The status codes of the answers in a raw stream, in order.
    var statuses: [Int] {
        split(separator: "HTTP/1.1 ", omittingEmptySubsequences: false).dropFirst().compactMap { Int($0.prefix(3)) }
    }

    /// The value of a header of the first answer, its name written exactly so.
    func header(_ name: String) -> String? {
        guard let head = firstRange(of: "\r\n\r\n"),
            let start = self[..<head.lowerBound].firstRange(of: "\r\n\(name): ")
        else { return nil }
        return String(self[start.upperBound...].prefix { $0 != "\r\n" })
    }

    /// What follows the first head.
    var body: Substring { firstRange(of: "\r\n\r\n").map { self[$0.upperBound...] } ?? "" }
}
