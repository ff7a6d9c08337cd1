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
}
