import BootWire
import HostModel
import Testing

/// Who is asking, and what it gets, over the ways that firmware says it.
@Suite struct BootClientTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var options: [DHCPOption]
        var client: BootClient
        var file: String?

        init(_ name: String, _ options: [DHCPOption], _ client: BootClient, _ file: String?) {
            (testDescription, self.options, self.client, self.file) = (name, options, client, file)
        }
    }

    static func vendor(_ text: String) -> DHCPOption { .vendorClass(Array(text.utf8)) }
    static func architecture(_ numbers: UInt16...) -> DHCPOption {
        .clientArchitecture(numbers.map(ClientArchitecture.init(rawValue:)))
    }
    static func number(_ rawValue: UInt16) -> ClientArchitecture { ClientArchitecture(rawValue: rawValue) }
    static let pxe = vendor("PXEClient:Arch:00000:UNDI:002001")
    static let http = vendor("HTTPClient:Arch:00016:UNDI:003001")
    static let ipxe = DHCPOption.userClass(Array("iPXE".utf8))
    static let withHTTP = DHCPOption.ipxe(EncapsulatedOptions([.init(code: 19, payload: [1])]))
    static let withoutHTTP = DHCPOption.ipxe(EncapsulatedOptions([.init(code: 36, payload: [1])]))
    static let script = "http://10.77.0.1/boot/ipxe"

    @Test(
        "D3, D4, D5, D7, D9: who asks, and what it is told to load, beside an address in any case",
        arguments: [
            Case("an installed system", [vendor("udhcp 1.35.0")], .addressOnly, nil),
            Case("architecture alone", [architecture(7)], .addressOnly, nil),
            Case("BIOS", [pxe, architecture(0)], .pxe(.bios), "undionly.kpxe"),
            Case("BIOS that says it in the vendor class only", [pxe], .pxe(.bios), "undionly.kpxe"),
            Case("x64", [pxe, architecture(7)], .pxe(.efi64), "snponly.efi"),
            Case("x64 by its other number", [pxe, architecture(9)], .pxe(.efiByteCode), "snponly.efi"),
            Case("several, the first known", [pxe, architecture(99, 7)], .pxe(.efi64), "snponly.efi"),
            Case("ARM64", [pxe, architecture(11)], .pxe(.efiARM64), "snponly-arm64.efi"),
            Case("x86 UEFI", [pxe, architecture(6)], .pxe(.efi32), "snponly-i386.efi"),
            Case("RISC-V 64", [pxe, architecture(27)], .pxe(number(27)), "snponly-riscv64.efi"),
            Case("LoongArch64", [pxe, architecture(39)], .pxe(number(39)), "snponly-loong64.efi"),
            Case("Itanium", [pxe, architecture(2)], .pxe(number(2)), nil),
            Case("unknown", [vendor("PXEClient"), architecture(99)], .pxe(ClientArchitecture(rawValue: 99)), nil),
            Case(
                "malformed architecture",
                [vendor("PXEClient"), .unknown(code: .clientArchitecture, payload: [0])],
                .addressOnly,
                nil
            ),
            Case("HTTP boot", [http, architecture(16)], .http(.efi64HTTP), "http://10.77.0.1/boot/snponly.efi"),
            Case(
                "HTTP boot of ARM64",
                [vendor("HTTPClient"), architecture(19)],
                .http(number(19)),
                "http://10.77.0.1/boot/snponly-arm64.efi"
            ),
            Case(
                "BIOS that boots by HTTP",
                [vendor("HTTPClient"), architecture(20)],
                .http(number(20)),
                "http://10.77.0.1/boot/undionly.kpxe"
            ),
            Case("HTTP boot of BIOS", [vendor("HTTPClient"), architecture(0)], .http(.bios), nil),
            Case(
                "HTTP's number, asked in PXE's way",
                [vendor("PXEClient"), architecture(16)],
                .pxe(.efi64HTTP),
                "snponly.efi"
            ),
            Case("iPXE", [pxe, architecture(0), ipxe], .ipxe(.bios, hasHTTP: true), script),
            Case(
                "iPXE by RFC 3004",
                [.userClass([4] + Array("iPXE".utf8)), architecture(7)],
                .ipxe(.efi64, hasHTTP: true),
                script
            ),
            Case("iPXE with HTTP", [pxe, architecture(7), ipxe, withHTTP], .ipxe(.efi64, hasHTTP: true), script),
            Case("iPXE of ARM64", [architecture(11), ipxe, withHTTP], .ipxe(.efiARM64, hasHTTP: true), script),
            Case(
                "iPXE without HTTP",
                [pxe, architecture(0), ipxe, withoutHTTP],
                .ipxe(.bios, hasHTTP: false),
                "undionly.kpxe"
            ),
            Case(
                "iPXE without HTTP, of ARM64",
                [architecture(11), withoutHTTP],
                .ipxe(.efiARM64, hasHTTP: false),
                "snponly-arm64.efi"
            ),
        ]
    )
    func isKnown(_ sample: Case) throws {
        let packet = try DHCPPacketTests.discover(sample.options)
        let client = BootClient(of: packet)
        #expect(client == sample.client)
        let files = BootFiles(baseURL: "http://10.77.0.1")
        #expect(files.file(for: client) == sample.file)
        var settings = try LeaseTableTests.settings()
        settings.bootFiles = files
        let responder = DHCPResponder(settings: settings)
        let reply = try #require(responder.respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero).reply)
        #expect(reply.packet.yourAddress != .any, "an address in any case")
        #expect(reply.packet.bootFile.isEmpty == (files.file(for: client) == nil))
    }

    @Test("D2: a BIOS ROM is told file, server and to boot at once, and gets its UUID back")
    func tellsBIOS() throws {
        let uuid = DHCPOption.clientMachineIdentifier([0] + Array(1...16))
        let settings = try LeaseTableTests.settings()
        let packet = try DHCPPacketTests.discover([Self.pxe, Self.architecture(0), uuid])
        let reply = try #require(
            DHCPResponder(settings: settings).respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero).reply
        )
        #expect(reply.packet.bootFile == Array("undionly.kpxe".utf8) && reply.packet.nextServer == settings.server)
        #expect(reply.packet.options.contains(.vendorSpecific([6, 1, 8, 255])))
        #expect(reply.packet.options.contains(.vendorClass(Array("PXEClient".utf8))))
        #expect(reply.packet.options.contains(uuid))
    }

    @Test("D35: a name too long for the header goes as an option, with its NUL")
    func sendsLongNames() throws {
        var settings = try LeaseTableTests.settings()
        let long = "http://10.77.0.1/" + String(repeating: "x", count: 120)
        settings.bootFiles?.script = long
        let packet = try DHCPPacketTests.discover([Self.ipxe])
        let responder = DHCPResponder(settings: settings)
        let reply = try #require(
            responder.respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero).reply?.packet
        )
        #expect(reply.bootFile.isEmpty)
        #expect(reply.options.contains(.bootFileName(Array(long.utf8))))
        #expect(try DHCPPacket(parsing: reply.encoded().bytes).options.contains(.bootFileName(Array(long.utf8))))
    }
}
