import BootWire
import HostModel
import NIOCore
import Testing

@testable import BootServer

/// Boots that began and did not go on.
@Suite struct StandstillTests {
    private static func event(_ stage: BootEvent.Stage, _ detail: String = "a step", of number: UInt8 = 1) throws
        -> BootEvent
    {
        BootEvent(mac: try LeaseRecordTests.mac(number), stage: stage, detail: detail)
    }

    /// The words of a proxy's own events.
    private static func proxied(_ port: ProxyResponder.Port) throws -> BootEvent {
        let files = BootFiles(baseURL: "http://10.77.0.1")
        let responder = ProxyResponder(server: IPv4Address(rawValue: 0x0A4D_0001), files: files)
        let packet = DHCPPacket(
            operation: .request,
            transactionID: 7,
            mac: try LeaseRecordTests.mac(1),
            options: [
                .messageType(port == .discovery ? .discover : .request), .vendorClass(Array("PXEClient".utf8)),
                .clientArchitecture([.efi64]),
            ]
        )
        return try #require(responder.respond(to: packet, at: port).events.first)
    }

    private static func cause(of events: [BootEvent]) -> String? {
        let (standstills, start) = (Standstills(), ContinuousClock.now)
        for event in events { standstills.follow(event, now: start) }
        #expect(standstills.due(now: start + .seconds(60)).isEmpty)
        let due = standstills.due(now: start + Standstills.patience)
        #expect(standstills.due(now: start + .seconds(3600)).isEmpty, "each once")
        #expect(due.allSatisfy { $0.stage == .failed })
        return due.first?.detail
    }

    @Test("a boot that stops is told of with its likely cause, by the last step")
    func tells() throws {
        let cases: [(events: [BootEvent], cause: String)] = [
            ([try Self.proxied(.discovery)], "nor asked port 4011"),
            (
                [try Self.proxied(.discovery), try Self.proxied(.bootServer)],
                "asked port 4011 and gave up: UEFI firmware took the offer as BINL"
            ),
            (
                [try Self.event(.discover, "PXE firmware, x64 UEFI was offered 10.77.0.10 and snponly.efi")],
                "took neither"
            ),
            (
                [
                    try Self.event(.discover, "PXE firmware, x64 UEFI was offered 10.77.0.10 and snponly.efi"),
                    try Self.event(.address),
                ],
                "never asked for its loader"
            ),
            ([try Self.event(.loader)], "Secure Boot"),
            (
                [
                    try Self.event(.loader), try Self.event(.discover, "iPXE on x64 UEFI was offered …"),
                    try Self.event(.address),
                ],
                "iPXE was told of its script"
            ),
            ([try Self.event(.script, "got the script of the profile default: …")], "never asked for its kernel"),
            ([try Self.event(.kernel)], "not the initramfs"),
            ([try Self.event(.initramfs)], "never asked for its root"),
        ]
        for (events, cause) in cases {
            let told = Self.cause(of: events)
            #expect(told?.contains(cause) == true, "\(cause): \(told ?? "nothing")")
        }
    }

    @Test("what goes on, ends, waits for a person, or has nothing to load is not told of")
    func isSilent() throws {
        for events in [
            [try Self.event(.initramfs), try Self.event(.root)], [try Self.event(.loader), try Self.event(.localDisk)],
            [try Self.event(.discover, "… was offered …"), try Self.event(.denied)],
            [try Self.event(.script, "was told to wait, no image is published")], [try Self.event(.address)],
            [try Self.event(.discover, "architecture 99 was offered 10.77.0.10 and nothing to boot")],
            [try Self.event(.loader), try Self.event(.failed)],
        ] { #expect(Self.cause(of: events) == nil, "\(events)") }
    }

    @Test("each machine has its own clock")
    func followsEach() throws {
        let (standstills, start) = (Standstills(), ContinuousClock.now)
        standstills.follow(try Self.event(.loader, of: 1), now: start)
        standstills.follow(try Self.event(.loader, of: 2), now: start + .seconds(100))
        let due = standstills.due(now: start + Standstills.patience)
        #expect(due.map(\.mac) == [try LeaseRecordTests.mac(1)])
    }
}

/// What is on its way.
@Suite struct BootFiguresTests {
    @Test("transfers are listed from the oldest on, with how far they are, and counted when they end")
    func lists() throws {
        let figures = BootFigures()
        let first = figures.begin("a", way: "tftp", size: 100, to: IPAddress("10.77.0.9"), nil)
        let second = figures.begin(
            "b",
            way: "http",
            size: 200,
            to: IPAddress("fd00:77::9"),
            try LeaseRecordTests.mac(1)
        )
        first.bytes = 50
        second.bytes = 20
        let (shown, count) = figures.running(max: 1)
        #expect(shown.map(\.file) == ["a"] && shown.map(\.bytes) == [50] && count == 2)
        figures.end(first)
        figures.end(second)
        #expect(figures.running(max: 9).count == 0)
        #expect(figures.counted.tftp_bytes == 50 && figures.counted.http_bytes == 20)
    }
}
