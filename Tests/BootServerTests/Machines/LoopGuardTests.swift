import BootWire
import HostModel
import NIOCore
import Testing

@testable import BootServer

@Suite struct LoopGuardTests {
    private static let start = ContinuousClock.now

    private static func event(_ stage: BootEvent.Stage, of number: UInt8 = 1) throws -> BootEvent {
        BootEvent(mac: try LeaseRecordTests.mac(number), stage: stage, detail: "a test")
    }

    @Test("D44: who takes its loader four times and never asks for its script is told of nothing for a while")
    func stopsCircles() throws {
        let loops = LoopGuard()
        let (mac, other) = (try LeaseRecordTests.mac(1), try LeaseRecordTests.mac(2))
        for second in 0..<3 {
            #expect(loops.follow(try Self.event(.loader), now: Self.start + .seconds(second)) == nil)
            #expect(!loops.stops(mac, now: Self.start + .seconds(second)))
        }
        let found = try #require(loops.follow(try Self.event(.loader), now: Self.start + .seconds(9)))
        #expect(found.stage == .failed && found.mac == mac && found.detail.hasPrefix("loaded its loader 4 times"))
        #expect(loops.stops(mac, now: Self.start + .seconds(10)) && !loops.stops(other, now: Self.start))
        #expect(!loops.stops(mac, now: Self.start + .seconds(130)), "only for a while")
    }

    @Test(
        "D44: machines that boot, however often, and those that load seldom are left alone",
        arguments: [BootEvent.Stage.script, .localDisk, .denied]
    )
    func leavesBootsAlone(arrival: BootEvent.Stage) throws {
        let loops = LoopGuard()
        for second in 0..<20 {
            let now = Self.start + .seconds(second)
            #expect(loops.follow(try Self.event(.loader), now: now) == nil)
            #expect(loops.follow(try Self.event(arrival), now: now) == nil)
            #expect(loops.follow(try Self.event(.loader, of: 2), now: Self.start + .seconds(second * 60)) == nil)
        }
    }

    @Test("D44: a signed program that firmware refuses is a circle too; the initramfs of a script is none")
    func stopsRefusedPrograms() throws {
        let loops = LoopGuard()
        for second in 0..<3 {
            #expect(loops.follow(try Self.event(.initramfs), now: Self.start + .seconds(second)) == nil)
        }
        let found = try #require(loops.follow(try Self.event(.initramfs), now: Self.start + .seconds(9)))
        #expect(found.stage == .failed && found.detail.hasPrefix("loaded its signed program 4 times"))
        #expect(loops.stops(try LeaseRecordTests.mac(1), now: Self.start + .seconds(10)))
        #expect(loops.follow(try Self.event(.script, of: 2), now: Self.start) == nil)
        for second in 0..<20 {
            let now = Self.start + .seconds(second)
            #expect(loops.follow(try Self.event(.initramfs, of: 2), now: now) == nil)
            #expect(loops.follow(try Self.event(.initramfs, of: 3), now: now) == nil)
            #expect(loops.follow(try Self.event(.root, of: 3), now: now) == nil, "it started")
        }
    }

    @Test("D44: a stopped machine gets an address and nothing to boot, and from a proxy no answer")
    func isToldNothing() throws {
        let settings = try DHCPSettings(
            server: IPv4Address(rawValue: 0x0A4D_0001),
            network: try #require(IPv4Network("10.77.0.1/24")),
            pool: IPv4Address(rawValue: 0x0A4D_000A)...IPv4Address(rawValue: 0x0A4D_0014),
            bootFiles: BootFiles(baseURL: "http://10.77.0.1")
        )
        let packet = DHCPPacket(
            operation: .request,
            transactionID: 1,
            mac: try LeaseRecordTests.mac(1),
            options: [
                .messageType(.discover), .vendorClass(Array("PXEClient".utf8)), .clientArchitecture([.efi64]),
            ]
        )
        let outcome = DHCPResponder(settings: settings)
            .respond(to: packet, leases: settings.emptyLeaseTable(), verdict: .stopped, now: .zero)
        #expect(outcome.reply?.packet.yourAddress != .any && outcome.reply?.packet.bootFile == [])
        let proxy = ProxyResponder(server: settings.server, files: BootFiles(baseURL: "http://10.77.0.1"))
        #expect(proxy.respond(to: packet, at: .discovery, verdict: .stopped).silence == .stopped)
    }
}
