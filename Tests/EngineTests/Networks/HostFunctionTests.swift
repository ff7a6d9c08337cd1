import AgentWire
import HostModel
import Synchronization
import Testing

@testable import Engine

/// Virtual functions (SR-IOV) of a host's NICs.
@Suite struct HostFunctionTests {
    @Test("virtual functions: asked of the card behind the nic, kept, told; what it cannot have is refused")
    func functions() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine)
            line.agent.change {
                var nic = NICReport(hwaddr: "", speed: 0, address: AddressReport())
                $0.capabilities.nics["eth8"] = nic
                nic.musterVirtualFunctions = VirtualFunctionsReport(device: "pci_0000_05_00_0", count: 0, max: 7)
                $0.capabilities.nics["eth9"] = nic
            }
            func set(_ count: Int, of nic: String) async throws(EngineError) {
                try await engine.setVirtualFunctions(
                    VirtualFunctionsResource(count: count),
                    of: nic,
                    on: line.host,
                    by: "admin@internal",
                    correlation: nil
                )
            }
            func refusal(_ count: Int, of nic: String) async -> EngineError.Kind? {
                do throws(EngineError) { try await set(count, of: nic) } catch { return error.kind }
                return nil
            }
            func now() -> (count: Int?, isSafe: Bool) {
                line.agent.state.withLock { ($0.capabilities.nics["eth9"]?.musterVirtualFunctions?.count, $0.isSafe) }
            }
            try await set(4, of: "eth9")
            #expect(now() == (4, true))
            let told = try #require(try await engine.event(.hostNetworksChanged, host: line.host))
            #expect(told.text.contains("eth9 has 4 virtual functions"), "\(told.text)")
            #expect(await refusal(8, of: "eth9") == .invalid)
            #expect(await refusal(1, of: "eth8") == .conflict)
            #expect(await refusal(1, of: "eth7\u{1b}") == .notFound)
            #expect(now().count == 4)
            try await set(0, of: "eth9")
            #expect(now() == (0, true))
        }
    }
}
