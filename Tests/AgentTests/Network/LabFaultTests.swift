import AgentWire
import HostModel
import NIOCore
import Testing

@testable import Agent

/// Faults F20 and F23; F16, F17 and F19 are in AgentProcessTests, F18 in LabRestoreTests, F21 in KernelNetworkTests, F22 in
/// NetworkChangeTests.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabFaultTests {
    @Test("F20: another program changes the same link before the engine is heard: the change is given up, and said why")
    func disturbed() async throws {
        let host = try await LabHost()
        try await host.setup(#""keep": {"nic": "eth1"}"#)
        let before = try await Judge.fingerprint()
        let text =
            #"{"networks": {"n": {"nic": "eth0", "ipaddr": "10.1.0.2", "prefix": 24}}, "options": {"connectivityCheck": 1, "connectivityTimeout": 60}}"#
        let params = try JSONText.decode(JSONValue.self, from: .init(string: text))
        async let change: Void = host.keeper.setupNetworks(SetupNetworksParameters(params: params))
        while try await Judge.now().addresses("n") != ["10.1.0.2/24"] { try await Task.sleep(for: .milliseconds(20)) }
        // Nothing of ours: another bridge, which is nobody's business.
        try await host.ip("link add name other type bridge")
        try await host.ip("address del 10.1.0.2/24 dev n")
        do {
            try await change
            Issue.record("the change was kept")
        } catch let error as RPCError {
            #expect(error.code == .failedIfup && error.message.contains("add 10.1.0.2/24 to n"), "\(error)")
        }
        try await host.ip("link del other")
        #expect(try await Judge.fingerprint() == before)
        #expect(try host.owned().networks.keys.sorted() == ["keep"])
    }

    @Test("F23: of 500 networks number 499 fails: the kernel is as before, to the byte")
    func lateFailure() async throws {
        let host = try await LabHost()
        try await host.setup(#""keep": {"nic": "eth1", "vlan": 9, "ipaddr": "10.4.0.2", "prefix": 24}"#)
        let networks = (1...500).map { number in
            let name = String(number + 1000)
            // A group that the kernel does not take, which the plan can not know.
            let custom = number == 499 ? #", "custom": {"bridge_opts": "group_addr=52:54:00:00:00:09"}"# : ""
            return #""n\#(name)": {"nic": "eth0", "vlan": \#(number)\#(custom)}"#
        }
        #expect(try await host.code(networks.joined(separator: ",")) == 29)
        #expect(try host.owned().networks.keys.sorted() == ["keep"])
    }
}
