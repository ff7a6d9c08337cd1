import Glibc
import Testing

@testable import Agent

/// LLDP over a real cable, to `apply` as a process.
@Suite(.enabled(if: getuid() == 0, "needs root"))
struct NeighboursTests {
    @Test("what the switch at the other end of a NIC says is heard, also where the NIC is a bridge's port")
    func neighbours() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                try await rig.serving { _ in
                    _ = try await rig.client(
                        "engine",
                        "+Host.setupNetworks",
                        AgentProcessTests.management,
                        "poll:Host.ping2"
                    )
                    try await rig.awaitNetwork(AgentProcessTests.isBridged)
                    var heard = ""
                    // A switch says it again and again; the agent may have begun to listen only now.
                    for _ in 0..<40 where !heard.contains("leaf-3") {
                        try await rig.speakLLDP("leaf-3")
                        heard = try await rig.client("engine", "Host.getLldp", "{}").joined()
                    }
                    #expect(
                        heard.contains("leaf-3") && heard.contains("Ethernet1") && heard.contains("veth_0"),
                        "\(heard)"
                    )
                    let other = try await rig.client("engine", "Host.getLldp", #"{"filter": {"devices": ["eth9"]}}"#)
                    #expect(other.joined().contains(#"{"eth9": {"enabled": false, "tlvs": []}}"#), "\(other)")
                }
            }
        }
    }
}
