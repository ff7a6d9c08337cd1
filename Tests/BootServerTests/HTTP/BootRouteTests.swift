import HostModel
import NIOCore
import Testing

@testable import BootServer

@Suite struct BootRouteTests {
    private static let script = "/boot/script?mac=52-54-00-12-34-56&uuid=4C4C4544-0042&platform=efi"

    private static func route(_ text: String) throws -> BootRoute {
        try BootRoute(try #require(RequestTarget(text)), from: IPv4Address("10.77.0.100"))
    }

    @Test func readsAScriptRequest() throws {
        let text = Self.script + "&manufacturer=&product=R%26D%0a&serial=a%20b"
        let expected = BootRequest(
            mac: try #require(MACAddress("52:54:00:12:34:56")),
            hardwareID: HardwareID("4c4c4544-0042"),
            firmware: .uefi,
            product: HostileText("R&D\n"),
            serial: HostileText("a b"),
            address: IPv4Address("10.77.0.100")
        )
        #expect(try Self.route(text) == .script(expected))
    }

    @Test("H12: what iPXE of 2019 makes of an & in a product name adds parameters, and changes none")
    func ampersandInAProduct() throws {
        guard case .script(let request) = try Self.route(Self.script + "&product=A&mac=00-00-00-00-00-01&platform=x")
        else { throw BootRoute.Refusal.notFound }
        #expect(request.mac.description == "52:54:00:12:34:56")
        #expect(request.firmware == .uefi)
    }

    @Test(arguments: [
        ("/boot/ipxe", BootRoute.firstStage), ("/boot/ipxe.efi", .loader("ipxe.efi")),
        ("/boot/undionly.kpxe", .loader("undionly.kpxe")),
        ("/images/a/1/vmlinuz", .image(.init(name: "a", version: "1", file: "vmlinuz"), nil)),
    ])
    func reads(text: String, route: BootRoute) throws {
        #expect(try Self.route(text) == route)
    }

    @Test(arguments: [
        "/", "/boot", "/boot/", "/boot/ipxe/x", "/boot/passwd", "/boot/.efi", "/images", "/images/a/1",
        "/images/a/1/x/y",
        "/images/A/1/x", "/images/.a/1/x", "/images/a b/1/x", "/images/a/1/-x", "/favicon.ico",
    ])
    func knowsNot(text: String) {
        #expect(throws: BootRoute.Refusal.notFound) { try Self.route(text) }
    }

    @Test(arguments: [
        "/boot/script", "/boot/script?mac=", "/boot/script?mac=x", "/boot/script?mac=ff-ff-ff-ff-ff-ff",
        "/boot/script?mac=00-00-00-00-00-00", "/boot/script?mac=52-54-00-12-34-56&platform=mips",
        "/boot/event?mac=52-54-00-12-34-56", "/boot/event?mac=52-54-00-12-34-56&stage=A",
        "/boot/event?mac=52-54-00-12-34-56&stage=aaaaaaaaaaaaaaaaaaaaa", "/boot/event?stage=kernel",
        "/images/a/1/x?mac=zz",
    ])
    func saysWhatIsMalformed(text: String) {
        #expect {
            try Self.route(text)
        } throws: { error in
            guard case .malformed = error as? BootRoute.Refusal else { return false }
            return true
        }
    }
}

@Suite struct AllowanceTests {
    @Test("a burst, then one for every interval, for each key by itself")
    func reports() throws {
        let allowance = Allowance<MACAddress>(burst: 2, interval: .seconds(10), keysMax: 10)
        let (first, second) = (
            try #require(MACAddress("02:00:00:00:00:01")), try #require(MACAddress("02:00:00:00:00:02"))
        )
        let start = NIODeadline.now()
        #expect([0, 1, 2].map { allowance.take(first, now: start + .seconds($0)) } == [true, true, false])
        #expect(allowance.take(second, now: start + .seconds(3)))
        #expect([10, 11, 20].map { allowance.take(first, now: start + .seconds($0)) } == [true, false, true])
        #expect([99, 99, 99].map { allowance.take(first, now: start + .seconds($0)) } == [true, true, false])
    }

    @Test("the table of keys is bounded, and forgets those that are quiet")
    func boundedTable() throws {
        let allowance = Allowance<MACAddress>(burst: 1, interval: .seconds(10), keysMax: 2)
        let machines = try (1...3).map { try #require(MACAddress("02:00:00:00:00:0\($0)")) }
        let start = NIODeadline.now()
        #expect(machines.map { allowance.take($0, now: start) } == [true, true, false])
        #expect(allowance.take(machines[2], now: start + .seconds(11)))
    }

    @Test func admission() {
        let admission = Admission<String>(totalMax: 3, perKeyMax: 2)
        #expect(["a", "a", "a", "b", "b"].map { admission.enter($0) } == [true, true, false, true, false])
        admission.leave("a")
        #expect(admission.enter("b"))
        #expect(admission.count == 3)
    }
}
