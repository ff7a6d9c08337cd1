import Foundation
import HostModel

@testable import Commands

/// Hosts as the engine describes them, one of them hostile.
enum Samples {
    static let style = Style.plain

    static var up: HostResource {
        var host = HostResource(
            id: "0c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60",
            href: "/ovirt-engine/api/hosts/0c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60",
            name: "node-5a31",
            address: "10.77.0.100",
            port: "54321",
            status: "up"
        )
        host.cluster = ResourceLink(id: "c1", name: "Default")
        host.hardware_information = HostResource.Hardware()
        host.hardware_information?.manufacturer = "QEMU"
        host.hardware_information?.product_name = "Standard PC"
        host.memory = "1073741824"
        host.muster.mac = "52:54:00:12:34:56"
        host.muster.boot_profile = "node"
        host.muster.last_seen = "1767225600"
        return host
    }

    /// A machine that says of itself what it should not.
    static var hostile: HostResource {
        var host = up
        host.id = "1c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60"
        (host.name, host.status) = ("node-evil", "pending_approval")
        host.address = "10.77.0.101"
        host.hardware_information?.manufacturer = "Evil\u{1B}[2J\u{202E}\nup"
        host.hardware_information?.product_name = "\u{9B}31m"
        host.muster.claims = [claim]
        host.muster.last_seen = nil
        host.muster.boot_profile = nil
        return host
    }

    static var claim: ClaimResource {
        let mac = MACAddress("52:54:00:aa:bb:cc") ?? MACAddress(octets: [0, 0, 0, 0, 0, 1])
        let interfaces = mac.map {
            [
                HostFacts.Interface(
                    name: HostileText("eth0\u{7}"),
                    mac: $0,
                    driver: HostileText("e1000"),
                    hasCarrier: true
                )
            ]
        }
        return ClaimResource(
            id: "2c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60",
            state: "pending",
            hardware_id: "5a31",
            name: "node-evil",
            address: "10.77.0.101",
            key_fingerprint: "SHA256:abc",
            created: "2026-01-01T00:00:00.000Z",
            facts: HostFacts(
                manufacturer: HostileText("Evil\u{1B}[2J"),
                cpuCount: 2,
                memory: 1024,
                hasKVM: false,
                interfaces: interfaces ?? []
            )
        )
    }

    static func event(_ index: Int, _ description: String, severity: String = "normal") -> EventResource {
        var event = EventResource(
            id: "\(index)",
            code: "20001",
            severity: severity,
            time: "2026-01-01T00:00:0\(index).000Z",
            description: description
        )
        event.host = ResourceLink(id: "h", name: "node-5a31")
        return event
    }
}
