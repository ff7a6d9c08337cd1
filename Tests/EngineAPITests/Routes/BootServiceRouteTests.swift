import Foundation
import HTTPTypes
import HostModel
import Testing

@testable import Engine
@testable import EngineAPI

/// What the boot servers say of themselves, and what a machine would boot, as a person asks for it.
@Suite struct BootServiceRouteTests {
    private static let path = "\(APIClient.api)/bootservices"

    @Test("a boot server's last word is kept; what a machine would boot is told without booting it")
    func explains() async throws {
        try await APIInstallation.run { client in
            let mac = try #require(MACAddress("52:54:00:00:00:01"))
            let question = "\(Self.path)/explanation?mac=\(mac)&arch=uefi-x64"
            #expect(try await client.get(Self.path).json(BootServiceCollection.self).boot_service == [])
            #expect(try await client.get(question).status == 409, "no boot server has spoken yet")
            let network = try #require(IPv4Network("10.77.0.1/24"))
            var status = BootStatus(interface: "br0", address: network, dhcp: "proxy", http_port: 80)
            try await client.engine.report(status: status)
            status.missing_loaders = ["snponly.efi"]
            status.leases = [.init(address: network.address, mac: mac, state: "bound", expires: 1_795_400_000)]
            try await client.engine.report(status: status)
            let known = try await client.get(Self.path).json(BootServiceCollection.self).boot_service
            #expect(known?.map(\.status) == [status])
            let told = try await client.get(question).json(BootExplanation.self)
            #expect(told.mac == mac && told.host == nil && told.profile == "default")
            #expect(
                told.steps.count >= 3 && told.steps[1].contains("port 4011") && told.steps[1].contains("is missing")
            )
            #expect(try await client.get("\(Self.path)/explanation?mac=\(mac)&arch=sparc").status == 400)
            #expect(try await client.get("\(Self.path)/explanation?mac=nonsense").status == 400)
        }
    }
}
