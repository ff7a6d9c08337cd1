import HostModel
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// SR-IOV as the kernel does it, on the one device with virtual functions that this machine's QEMU plays: an NVMe controller.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct FunctionLabTests {
    private static let device = NodeDirectory("/sys/bus/pci/devices").names().compactMap { PCIAddress($0) }.first {
        (NetworkCard($0).functionCounts?.max ?? 0) > 0
    }

    @Test("the kernel takes another number only after none; what it refuses has the number of before brought back")
    func changes() throws {
        let card = NetworkCard(try #require(Self.device))
        #expect(try #require(card.functionCounts) == (0, 4))
        try card.setFunctions(2)
        #expect(card.functions.count == 2 && card.functions.allSatisfy { !$0.isHandedOut })
        try card.setFunctions(3)
        #expect(card.functions.count == 3)
        #expect(throws: FunctionFailure(wanted: 9, code: ERANGE)) { try card.setFunctions(9) }
        #expect(card.functionCounts?.now == 3 && card.functions.count == 3)
        try card.setFunctions(0)
        #expect(card.functions.isEmpty && card.functionCounts?.now == 0)
        let driver = try FileDescriptor.open("/sys/bus/pci/drivers/nvme/unbind", .writeOnly)
        _ = try driver.closeAfter { try driver.writeAll(card.address.rawValue.utf8) }
        #expect(throws: FunctionFailure(wanted: 1, code: ENOENT)) { try card.setFunctions(1) }
    }
}
