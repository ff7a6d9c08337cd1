import Glibc
import Testing

@testable import Agent

/// `Host.hostdevChangeNumvfs` on its way from the engine's socket to `apply` and back. What the verb does is
/// VirtualFunctionTests' affair.
@Suite(.enabled(if: getuid() == 0, "needs root"))
struct VirtualFunctionCallTests {
    @Test("what is no device is refused at once; a device that is no card of this host by apply")
    func refusals() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                try await rig.serving { _ in
                    func ask(_ device: String) async throws -> String {
                        let params = "{\"deviceName\": \"\(device)\", \"numvfs\": 2}"
                        return try await rig.client("engine", "Host.hostdevChangeNumvfs", params).joined()
                    }
                    let strange = try await ask("../../etc")
                    #expect(strange.contains("-32602") && strange.contains("deviceName"), "\(strange)")
                    let missing = try await ask("pci_ffff_ff_1f_7")
                    #expect(missing.contains("ffff:ff:1f.7 is no network card of this host"), "\(missing)")
                    #expect(missing.contains("23"), "\(missing)")
                }
            }
        }
    }
}
