import Glibc
import Subprocess
import SystemPackage
import Testing

/// Images as they are built, in QEMU until the machine is a host, as packaging/images/boot-node runs it: media with the
/// values of the site in their reserved area, and boots from the engine's boot services. Hours of software emulation.
@Suite(.enabled(if: isImageTestWanted, "MUSTER_TEST_IMAGES=1 runs it"), .serialized)
struct BootedImageTests {
    private static let scripts = EndToEndTests.repository.appending("packaging/images")

    private func transcript(_ script: String, _ arguments: [String]) async throws -> String {
        let result = try await run(
            .path(Self.scripts.appending(script)),
            arguments: Arguments(arguments),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        try #require(result.terminationStatus == .exited(0), "\(result.standardOutput + result.standardError)")
        return result.standardOutput
    }

    private func boot(_ image: String, _ cases: [String], _ options: [String] = []) async throws -> String {
        let folder = try await transcript("build-media", [image]).split(separator: "\n").last
        return try await transcript("boot-node", [String(try #require(folder))] + cases + options)
    }

    @Test(
        "case 42: node-minimal from CD and stick, by SeaBIOS, OVMF and Secure Boot, is a host that is up",
        arguments: [
            "bios-cd", "bios-usb", "efi-cd", "efi-usb", "secure-cd", "secure-usb", "bios-stick", "bios-disk",
            "efi-stick", "efi-disk", "secure-stick",
        ]
    )
    func minimal(name: String) async throws { _ = try await boot("node-minimal", [name]) }

    @Test(
        "case 42: node-debian from CD and stick, by SeaBIOS, OVMF and Secure Boot, is a host that is up",
        arguments: ["bios-cd", "bios-usb", "efi-cd", "efi-usb", "secure-cd"]
    )
    func debian(name: String) async throws { _ = try await boot("node-debian", [name], ["--memory", "2048"]) }

    @Test("a host of node-debian runs a guest: virsh defines and starts it, and its console says so")
    func guest() async throws {
        let text = try await boot("node-debian", ["bios-cd"], ["--memory", "2048", "--guest"])
        #expect(text.contains("first running") && text.contains("A guest of this node is running"), "\(text)")
    }

    @Test(
        "the root image of node-debian comes over the network, by SeaBIOS's iPXE, OVMF PXE and OVMF HTTP boot",
        arguments: ["bios-pxe", "efi-pxe", "efi-http"]
    )
    func liveRoot(name: String) async throws { _ = try await boot("node-debian", [name], ["--memory", "2048"]) }

    /// Less than 1.5 times the root image of 169 MiB and 256 MiB, which is 509.
    @Test("node-debian waits for approval in a machine of 500 MiB")
    func littleMemory() async throws {
        _ = try await boot("node-debian", ["bios-pxe"], ["--memory", "500", "--until", "pending"])
    }

    @Test(
        "discovery reports the machine's facts, from a medium and from the network",
        arguments: ["efi-cd", "bios-pxe"]
    )
    func discovery(name: String) async throws { _ = try await boot("discovery", [name], ["--until", "pending"]) }
}

private var isImageTestWanted: Bool { getenv("MUSTER_TEST_IMAGES").map { String(cString: $0) } == "1" }
