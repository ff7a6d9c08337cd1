import HostModel
import Testing

@testable import BootServer

@Suite struct BootCourseTests {
    private static func server(_ dhcp: String) throws -> BootStatus {
        let address = try #require(IPv4Network("10.77.0.1/24"))
        return BootStatus(interface: "br0", address: address, dhcp: dhcp, http_port: 80)
    }

    private static func steps(
        _ architecture: String,
        _ mode: BootProfile.Mode = .run,
        dhcp: String = "full",
        missing: [String] = []
    ) throws -> [String] {
        var server = try server(dhcp)
        server.missing_loaders = missing
        let answer = BootAnswer(profile: BootProfile(name: "t", mode: mode), reason: "a test")
        return try #require(BootCourse(architecture: architecture, answer: answer, server: server, kept: nil)).steps
    }

    @Test("a machine's way is told by its firmware, and by who gives the addresses")
    func tells() throws {
        #expect(try Self.steps("bios")[1] == "Its firmware loads undionly.kpxe by TFTP from 10.77.0.1.")
        #expect(
            try Self.steps("uefi-x64", dhcp: "proxy")[1].hasPrefix("It asks port 4011 once more. Its firmware loads")
        )
        #expect(
            try Self.steps("uefi-x64-http")[1] == "Its firmware loads http://10.77.0.1/boot/snponly.efi by HTTP."
        )
        #expect(try Self.steps("uefi-x64", dhcp: "off")[0].contains("Another server gives its address"))
        #expect(try Self.steps("bios", missing: ["undionly.kpxe"])[1].contains("That file is missing"))
        #expect(BootCourse.firmware("sparc") == nil)
    }

    @Test("a denied machine is told of nothing, unless another server tells it")
    func denies() throws {
        for dhcp in ["full", "proxy"] {
            #expect(
                try Self.steps("uefi-x64", .deny, dhcp: dhcp).last?.hasPrefix("It is told of nothing to boot") == true
            )
        }
        #expect(try Self.steps("uefi-x64", .deny, dhcp: "off").last == "Its script sends it away.")
    }

    private static func course(
        _ architecture: String,
        _ profile: BootProfile,
        roles: [ImageManifest.File.Role] = [.kernel, .initramfs, .root, .efi],
        dhcp: String = "full"
    ) throws -> BootCourse {
        let sha = try #require(Nonce(hex: String(repeating: "0f", count: 32)))
        let manifest = ImageManifest(
            name: "node",
            version: "0123456789ab",
            architecture: "x86_64",
            kernelVersion: "6.1",
            kernelArguments: [],
            files: roles.map { .init(name: "node.\($0.rawValue)", role: $0, size: 1, sha256: sha) }
        )
        let answer = BootAnswer(profile: profile, manifest: manifest, reason: "a test")
        return try #require(
            BootCourse(architecture: architecture, answer: answer, server: try server(dhcp), kept: nil)
        )
    }

    private static let signed = BootProfile(name: "s", mode: .run, loader: .signed)

    @Test("a signed program is loaded by x64 UEFI itself, and everything of it is verified")
    func signedProgram() throws {
        let path = "images/node/0123456789ab/node.efi"
        for (architecture, file) in [("uefi-x64", path), ("uefi-x64-http", "http://10.77.0.1/\(path)")] {
            let course = try Self.course(architecture, Self.signed)
            #expect(course.steps[1].contains("loads \(file) by"), "\(course.steps)")
            #expect(course.verified.count == 2 && course.unverified == [])
        }
        // By a DHCP server that is told of iPXE, the script does it.
        let off = try Self.course("uefi-x64", Self.signed, dhcp: "off")
        #expect(off.steps.last?.contains("loads the signed program") == true)
        #expect(off.verified == ["the root image, by the initramfs"] && off.unverified.contains("loader"))
    }

    @Test("GRUB is verified where this server tells the machine of it, and nowhere else")
    func grub() throws {
        let profile = BootProfile(name: "g", mode: .run, loader: .grub)
        for dhcp in ["full", "proxy"] {
            #expect(try Self.course("uefi-x64", profile, dhcp: dhcp).verified.first?.hasPrefix("shim, GRUB") == true)
        }
        let off = try Self.course("uefi-x64", profile, dhcp: "off")
        #expect(off.verified == ["the root image, by the initramfs"] && off.unverified.contains("kernel"))
    }

    @Test("who cannot verify gets nothing, and is told why")
    func signedProgramForOthers() throws {
        for (architecture, reason) in [("bios", "BIOS verifies nothing"), ("uefi-arm64", "loads the signed program")] {
            let course = try Self.course(architecture, Self.signed)
            #expect(course.steps.last?.contains(reason) == true, "\(course.steps)")
            #expect(course.verified == [])
        }
        let without = try Self.course("uefi-x64", Self.signed, roles: [.kernel, .initramfs])
        #expect(without.steps.last?.contains("no signed EFI program") == true)
        #expect(without.verified == [])
    }

    @Test("by iPXE the root image is verified, and nothing before it; from the own disk nothing is ours")
    func verifiedByIPXE() throws {
        let run = try Self.course("uefi-x64", BootProfile(name: "r", mode: .run))
        #expect(run.verified == ["the root image, by the initramfs"])
        #expect(run.unverified == ["loader", "script", "kernel", "initramfs", "kernel arguments"])
        let bare = try Self.course("bios", BootProfile(name: "r", mode: .run), roles: [.kernel, .initramfs])
        #expect(bare.verified == [] && bare.unverified == run.unverified)
        for mode in [BootProfile.Mode.local, .deny] {
            let course = try Self.course("uefi-x64", BootProfile(name: "l", mode: mode))
            #expect(course.verified == [] && course.unverified == [])
        }
    }
}
