import BootWire
import Glibc
import HostModel
import NIOCore
import Recipes
import Testing

@testable import BootServer

/// What TFTP serves that no loader directory holds.
@Suite struct MachineFilesTests {
    private static let pxe = PXEDirectory(path: BootNetwork.checkout + "/pxe")

    /// The answer to a request, as one block: the files are small.
    private func read(_ name: String, _ profile: BootProfile, images: [String: [UInt8]] = [:]) async throws
        -> TFTPPacket
    {
        let directory = try TemporaryDirectory()
        for folder in ["node", "node/0123456789ab"] { try #require(mkdir("\(directory.path)/\(folder)", 0o755) == 0) }
        for (name, bytes) in images { try directory.write("node/0123456789ab/\(name)", bytes) }
        let answer = FixedBootDirectory(BootAnswer(profile: profile, reason: "a test"))
        let text: (String) throws -> String = { try Self.pxe.text($0) }
        let recipes = try BootRecipes(server: ServerLocation(address: .loopback), engine: nil, text: text)
        let files = MachineFiles(
            imageDirectory: directory.path,
            recipes: try LoaderRecipes(recipes, text: text),
            machines: VerifiedMachines(directory: answer, machines: MachineLocator()),
            events: BootEventQueue(directory: answer, logger: TFTPServerTests.quiet),
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
