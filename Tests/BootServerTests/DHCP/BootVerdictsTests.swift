import BootWire
import HostModel
import Synchronization
import Testing

@testable import BootServer

@Suite struct BootVerdictsTests {
    private struct Away: Error {}

    /// Answers by a profile until it is away.
    private final class Directory: BootDirectory {
        let profile = Mutex<BootProfile?>(nil)

        func answer(_ request: BootRequest) async throws -> BootAnswer {
            guard let profile = profile.withLock(\.self) else { throw Away() }
            return BootAnswer(profile: profile, reason: "a test", host: HostName("node-1"))
        }

        func record(_ events: [BootEvent]) async throws {}

        func reservations() async throws -> [AddressReservation] { [] }
    }

    @Test("while the engine is away a machine is told of the program that it was told of last, and not of iPXE")
    func engineIsAway() async throws {
        let directory = Directory()
        let verdicts = BootVerdicts(directory: directory, loops: LoopGuard(), logger: TFTPServerTests.quiet)
        func verdict(_ profile: BootProfile?, of number: UInt8 = 1) async throws -> DHCPResponder.BootVerdict {
            directory.profile.withLock { $0 = profile }
            return await verdicts.verdict(on: .pxe(.efi64), try LeaseRecordTests.mac(number), nil).verdict
        }
        let shim = DHCPResponder.BootVerdict.program("boot/shimx64.efi", isBIOS: false)
        #expect(try await verdict(nil) == .allowed)
        #expect(try await verdict(BootProfile(name: "g", mode: .run, loader: .grub)) == shim)
        #expect(try await verdict(nil) == shim)
        #expect(try await verdict(nil, of: 2) == .allowed, "another machine")
        #expect(try await verdict(BootProfile(name: "i", mode: .run)) == .allowed)
        #expect(try await verdict(nil) == .allowed, "the last word counts")
    }
}
