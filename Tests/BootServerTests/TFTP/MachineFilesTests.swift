import BootWire
import Glibc
import HostModel
import NIOCore
import Recipes
import Synchronization
import Testing

@testable import BootServer

/// What TFTP serves that no loader directory holds.
@Suite struct MachineFilesTests {
    private static let pxe = PXEDirectory(path: BootNetwork.checkout + "/pxe")

    /// The answer to a request, as one block: the files are small.
    private func read(
        _ name: String,
        _ profile: BootProfile,
        images: [String: [UInt8]] = [:],
        own: [String: [UInt8]] = [:]
    ) async throws -> TFTPPacket {
        let directory = try TemporaryDirectory()
        for folder in ["node", "node/0123456789ab"] { try #require(mkdir("\(directory.path)/\(folder)", 0o755) == 0) }
        for (name, bytes) in images { try directory.write("node/0123456789ab/\(name)", bytes) }
        for (name, bytes) in own {
            if let slash = name.firstIndex(of: "/") { _ = mkdir("\(directory.path)/\(name[..<slash])", 0o755) }
            try directory.write(name, bytes)
        }
        let answer = FixedBootDirectory(BootAnswer(profile: profile, reason: "a test"))
        let text: (String) throws -> String = { try Self.pxe.text($0) }
        let recipes = try BootRecipes(server: ServerLocation(address: .loopback), engine: nil, text: text)
        let files = MachineFiles(
            imageDirectory: directory.path,
            recipes: try LoaderRecipes(recipes, text: text),
            machines: VerifiedMachines(directory: answer, machines: MachineLocator()),
            logger: TFTPServerTests.quiet
        )
        var configuration = TFTPServer.Configuration(interface: "lo", address: .loopback)
        configuration.port = 0
        let server = try await TFTPServer.open(
            configuration,
            loaders: try LoaderDirectory(path: directory.path),
            files: files,
            machines: MachineLocator(),
            logger: TFTPServerTests.quiet,
            onEvent: { _ in }
        )
        let port = UInt16(try #require(server.port))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let client = try UDPClient()
            let request = TFTPRequest(fileName: Array(name.utf8), options: [])
            client.send(TFTPPacket.readRequest(request).encoded.readableBytesView, to: port)
            let received = try await #require(client.receive())
            group.cancelAll()
            return try TFTPPacket(parsing: received.bytes)
        }
    }

    private static func text(_ packet: TFTPPacket) -> String? {
        guard case .data(block: _, let payload) = packet else { return nil }
        return String(buffer: payload)
    }

    @Test(
        "T38: the configuration of the machine that the name names",
        arguments: [
            ("grub.cfg-01-52-54-00-12-34-56", "exit"), ("grub/grub.cfg-52:54:00:12:34:56", "exit"),
            ("boot/pxelinux.cfg/01-52-54-00-12-34-56", "LOCALBOOT -1"), ("/pxelinux.cfg/01-52-54-00-12-34-56", "SAY"),
        ]
    )
    func configuration(name: String, word: String) async throws {
        let text = try #require(Self.text(try await read(name, BootProfile(name: "disk", mode: .local))))
        #expect(text.contains(word) && text.contains("(52:54:00:12:34:56)") && text.contains("profile disk"))
    }

    @Test(
        "T38: what an operator put into the loader directory goes before what is made",
        arguments: ["grub/grub.cfg", "grub.cfg-01-52-54-00-12-34-56", "pxelinux.cfg/01-52-54-00-12-34-56"]
    )
    func operatorsOwn(name: String) async throws {
        let own = [name: Array("# mine".utf8)]
        #expect(Self.text(try await read(name, BootProfile(name: "disk", mode: .local), own: own)) == "# mine")
    }

    /// Answers something else each time.
    private final class Changing: BootDirectory {
        private let asked = Mutex(0)
        func answer(_ request: BootRequest) async throws -> BootAnswer {
            let count = asked.withLock {
                $0 += 1
                return $0
            }
            return BootAnswer(profile: BootProfile(name: "disk", mode: .local), reason: "answer \(count)")
        }
        func record(_ events: [BootEvent]) async throws {}
        func reservations() async throws -> [AddressReservation] { [] }
    }

    /// Of a machine behind a router, whose requests count.
    private static func files(_ answers: ConfigurationAnswers = ConfigurationAnswers()) throws -> MachineFiles {
        let text: (String) throws -> String = { try pxe.text($0) }
        let recipes = try BootRecipes(server: ServerLocation(address: .loopback), engine: nil, text: text)
        let machines = MachineLocator(network: IPv4Network("10.77.0.1/24"))
        return MachineFiles(
            imageDirectory: "/nowhere",
            recipes: try LoaderRecipes(recipes, text: text),
            machines: VerifiedMachines(directory: Changing(), machines: machines),
            answers: answers,
            logger: TFTPServerTests.quiet
        )
    }

    private static func ask(_ files: MachineFiles, _ name: String, at address: IPv4Address = .loopback) async throws
        -> (text: String, arrived: MachineFiles.Arrival)?
    {
        let path = try #require(TFTPPath(Array(name.utf8)))
        guard case .text(let bytes, let arrived) = await files.configuration(path, for: address) else { return nil }
        return (String(decoding: bytes, as: UTF8.self), arrived)
    }

    @Test("T38: GRUB asks twice and gets the same; the outcome is told once, and only of what was acknowledged")
    func twice() async throws {
        let clock = Mutex(ContinuousClock.now)
        let files = try Self.files(ConfigurationAnswers { clock.withLock(\.self) })
        let name = "grub.cfg-01-52-54-00-12-34-56"
        let first = try #require(try await Self.ask(files, name))
        let second = try #require(try await Self.ask(files, name))
        #expect(first.text == second.text && first.text.contains("answer 1"))
        let step = first.arrived(false)
        #expect(step?.stage == .localDisk && step?.outcome == nil)
        #expect(first.arrived(false) == nil, "once")
        #expect(second.arrived(true)?.outcome == "disk")
        #expect(second.arrived(true) == nil && first.arrived(true) == nil, "once")
        // Who asks from elsewhere takes nothing from the machine, and after a while the answer is a new one.
        let other = try #require(try await Self.ask(files, name, at: IPv4Address(rawValue: 0x7F00_0002)))
        #expect(other.text.contains("answer 2"))
        clock.withLock { $0 += ConfigurationAnswers.keptFor }
        let later = try #require(try await Self.ask(files, name))
        #expect(later.text.contains("answer 3") && later.arrived(true)?.outcome == "disk")
    }

    @Test("T38: an address that asks for machine after machine is refused, and others are not")
    func busy() async throws {
        let files = try Self.files()
        func name(_ number: Int) -> String { "pxelinux.cfg/01-52-54-00-12-34-\(String(number + 16, radix: 16))" }
        for number in 0..<MachineFiles.asksPerAddress {
            #expect(try await Self.ask(files, name(number)) != nil)
        }
        var refused = 0
        // As the allowance grows back meanwhile, one refusal of some is enough.
        for number in MachineFiles.asksPerAddress..<(2 * MachineFiles.asksPerAddress) {
            if try await Self.ask(files, name(number)) == nil { refused += 1 }
        }
        #expect(refused > 0)
        #expect(try await Self.ask(files, name(200), at: IPv4Address(rawValue: 0x7F00_0002)) != nil)
    }

    @Test(
        "T38: what names no machine is no file",
        arguments: [
            "pxelinux.cfg/default", "pxelinux.cfg/C0A80101", "pxelinux.cfg/01-zz", "grub.cfg-01-52-54", "grub/grub.cfg",
            "images/node/0123456789ab/none.efi", "boot/event/52-54-00-12-34-56/kernel", "images/../x.efi",
        ]
    )
    func noConfiguration(name: String) async throws {
        guard case .error = try await read(name, BootProfile(name: "disk", mode: .local)) else {
            Issue.record("\(name) was served")
            return
        }
    }

    @Test("a signed program of an image is served, and nothing else of it")
    func program() async throws {
        let images = ["node.efi": Array(repeating: UInt8(7), count: 9), "root.squashfs": [1]]
        let profile = BootProfile(name: "s", mode: .run, loader: .signed)
        let program = try await read("images/node/0123456789ab/node.efi", profile, images: images)
        #expect(program == .data(block: 1, ByteBuffer(repeating: 7, count: 9)))
        guard case .error = try await read("images/node/0123456789ab/root.squashfs", profile, images: images) else {
            Issue.record("the root image was served")
            return
        }
    }

    @Test("loaders of Debian's packages are found under the names that they ask each other for")
    func packaged() throws {
        for name in PackagedLoaders.places.keys {
            let path = try #require(TFTPPath(Array("boot/\(name)".utf8)))
            #expect(path.belowBoot.description == name)
        }
        let other = try #require(TFTPPath(Array("boot/other.efi".utf8)))
        #expect(try PackagedLoaders().open(other.belowBoot) == nil)
    }
}
