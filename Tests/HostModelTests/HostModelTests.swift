import HostModel
import Testing

@Suite struct ApprovalCodeTests {
    @Test("a code reads back as typed by a person", arguments: ["", " ", "-"])
    func roundTrip(separator: String) throws {
        for seed in UInt8.min ... .max {
            let code = try #require(ApprovalCode(digest: [seed, 1, 2, 3, seed &* 7, 9]))
            let typed = code.symbols.map(String.init).joined(separator: separator).lowercased()
            #expect(ApprovalCode(typed) == code)
            #expect(ApprovalCode(code.description) == code)
        }
    }

    @Test("every single wrong symbol is a typing error")
    func catchesEachChange() throws {
        let code = try #require(ApprovalCode(digest: [0xDE, 0xAD, 0xBE, 0xEF, 0x01]))
        for (index, symbol) in code.symbols.enumerated() {
            for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ" where other != symbol {
                var changed = Array(code.symbols)
                changed[index] = other
                #expect(ApprovalCode(String(changed)) == nil)
            }
        }
    }

    @Test(arguments: ["", "ABC", "ABCD-EFGH", "ÄBCD-EFGH-J", "0000-0000-1", "0000-0000-00"])
    func refuses(typed: String) { #expect(ApprovalCode(typed) == nil) }
}

@Suite struct AddressTests {
    @Test(arguments: [
        ("52:54:00:12:34:56", true), ("52-54-00-AB-cd-56", true), ("52:54:00:12:34", false),
        ("5:54:00:12:34:56", false), ("+2:54:00:12:34:56", false), ("", false),
    ])
    func mac(text: String, isGood: Bool) {
        #expect((MACAddress(text) != nil) == isGood)
        if let address = MACAddress(text) { #expect(MACAddress(address.description) == address) }
    }

    @Test(arguments: ["1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.-4", "1.2.3.4 ", ""])
    func refusesIPv4(text: String) { #expect(IPv4Address(text) == nil) }

    @Test func networkKeepsHostBits() throws {
        let network = try #require(IPv4Network("10.77.0.9/24"))
        #expect(network.first.description == "10.77.0.0" && network.last.description == "10.77.0.255")
        #expect(network.netmask.description == "255.255.255.0" && network.description == "10.77.0.9/24")
        #expect(IPv4Network("10.0.0.0/33") == nil && IPv4Network("10.0.0.0/+8") == nil)
    }
}

@Suite struct IdentityTests {
    @Test func uniqueIDsAreVersion4() throws {
        let id = UniqueID.random().rawValue
        #expect(UniqueID(rawValue: id)?.rawValue == id)
        #expect(Array(id)[14] == "4" && "89ab".contains(Array(id)[19]))
    }

    @Test(
        "what is a UUID",
        arguments: [
            ("123E4567-e89b-42d3-a456-42661417400F", "123e4567-e89b-42d3-a456-42661417400f"),
            ("123e4567-e89b-42d3-a456-42661417400", nil), ("123e4567-e89b-42d3-a456-4266141740000", nil),
            ("123e4567e-89b-42d3-a456-426614174000", nil), ("123e4567-e89b-42d3-a456-42661417400g", nil),
            ("123e4567-e89b-42d3-a456-4266141740é", nil), ("------------------------------------", nil),
            ("123e456700e89b042d30a4560426614174000", nil), ("", nil),
        ] as [(String, String?)]
    )
    func uniqueID(text: String, read: String?) { #expect(UniqueID(rawValue: text)?.rawValue == read) }

    @Test(
        "what is kept of a machine's id",
        arguments: [
            ("a-1.b:c_d", "a-1.b:c_d"), ("ABC-12", "abc-12"), (" a b;c/\u{1b}", "abc"), ("é", nil), ("", nil),
            (String(repeating: "a", count: 65), nil), ("a<b", "ab"),
        ] as [(String, String?)]
    )
    func hardwareID(text: String, kept: String?) { #expect(HardwareID(text)?.rawValue == kept) }

    @Test(arguments: [
        ("node-1", true), ("a.b.c", true), ("-a", false), ("a..b", false), ("a b", false), ("a;reboot", false),
        ("a\n", false),
    ])
    func hostName(text: String, isGood: Bool) { #expect((HostName(text) != nil) == isGood) }

    @Test(arguments: [
        ("node-minimal@1.2", true), ("../etc", false), ("a/b", false), ("A", false), ("a@", false), (".hidden", false),
    ])
    func imageReference(text: String, isGood: Bool) { #expect((ImageReference(text) != nil) == isGood) }

    @Test(
        "what a machine says cannot drive a terminal",
        arguments: [
            ("\u{1b}[31mred", "\\u{1b}[31mred"), ("a\nb", "a\\u{a}b"), ("\u{202e}abc", "\\u{202e}abc"),
            ("plain äöü", "plain äöü"),
        ]
    )
    func hostileText(raw: String, safe: String) { #expect(HostileText(raw).escapedForTerminal == safe) }
}
