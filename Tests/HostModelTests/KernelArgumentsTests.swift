import HostModel
import Testing

@Suite struct KernelArgumentsTests {
    typealias Word = KernelArguments.Word

    @Test(
        "words are split and unquoted as the kernel does",
        arguments: [
            ("", []),
            ("  a\tb=c \n", [Word("a"), Word("b", "c")]),
            ("a=\"b c\" d", [Word("a", "b c"), Word("d")]),
            ("\"a=b c\" d", [Word("a", "b c"), Word("d")]),
            ("a=b\"c d\"e", [Word("a", "b\"c d\"e")]),
            ("a=\"open to the end", [Word("a", "open to the end")]),
            ("a=b=c", [Word("a", "b=c")]),
            ("=x", [Word("=x")]),
            ("a=", [Word("a", "")]),
            ("\"quoted\"", [Word("quoted")]),
        ]
    )
    func splits(line: String, words: [Word]) { #expect(KernelArguments(line).words == words) }

    @Test func aLineAfterAnotherWins() {
        let both = KernelArguments("engine=a ip=dhcp").followed(by: KernelArguments("engine=b quiet"))
        #expect(both == KernelArguments("engine=a ip=dhcp engine=b quiet"))
        #expect(both["engine"] == "b")
        #expect(KernelArguments("").followed(by: both) == both)
    }

    @Test(
        "secrets are left out of what is shown, and nothing else is",
        arguments: [
            ("quiet adminpw=$6$salt$hash ip=dhcp", "quiet adminpw=… ip=dhcp"),
            ("management_server=e:8443 management_server_fingerprint=ab", nil),
            ("x=$5$salt$hash price=$5", "x=… price=$5"),
            ("inst.rootpw=a rd.iscsi.password=b API_TOKEN=c luks.key=d", nil),
            ("\"adminpw=a b\" \"x=a b\"", "adminpw=… x=\"a b\""),
            ("inst.repo=https://user:word@host/x", "inst.repo=https:…@host/x"),
            ("netroot=iscsi:user:word@192.0.2.1::3260::iqn", "netroot=iscsi:…@192.0.2.1::3260::iqn"),
            ("root=LABEL=a@b console=ttyS0,115200n8 keymap=de BOOTIF=01-52-54-00-12-34-56", nil),
        ]
    )
    func redaction(line: String, shown: String?) {
        let redacted = KernelArguments(line).redacted
        if line.contains("rootpw") {
            #expect(redacted == "inst.rootpw=… rd.iscsi.password=… API_TOKEN=… luks.key=…")
        } else {
            #expect(redacted == shown ?? line)
        }
    }

    @Test func laterWordsWin() {
        let arguments = KernelArguments("x=1 y x=2 x")
        #expect(arguments["x"] == "" && arguments.values("x") == ["1", "2", ""])
        #expect(arguments["z"] == nil)
    }

    @Test("no line traps, however it is cut or damaged")
    func survivesAnything() {
        let line = Array(
            "ip=10.0.0.2::10.0.0.1:24:n:eth0:none:1500:52:54:00:12:34:56 bond=b:eth0,eth1:mode=1 vlan=v5:b \"x y".utf8
        )
        for length in 0...line.count {
            _ = NodeArguments(KernelArguments(String(decoding: line.prefix(length), as: UTF8.self)))
        }
        for index in line.indices {
            for bit in 0..<8 {
                var damaged = line
                damaged[index] ^= 1 << bit
                _ = NodeArguments(KernelArguments(String(decoding: damaged, as: UTF8.self)))
            }
        }
    }

    @Test func aLongLineIsCut() {
        #expect(KernelArguments(String(repeating: "a ", count: 10_000)).words.count == KernelArguments.bytesMax / 2)
    }
}

@Suite struct IPArgumentTests {
    struct Case: CustomTestStringConvertible {
        var text: String
        var expected: IPArgument?
        init(_ text: String, _ expected: IPArgument?) { (self.text, self.expected) = (text, expected) }
        var testDescription: String { text }
    }

    static let eth0 = LinkName("eth0")
    static let mac = MACAddress("52:54:00:12:34:56")
    static let gateway = IPv4Address("10.0.0.1")

    static func fixed(_ text: String, gateway: IPv4Address? = Self.gateway) -> IPArgument.Method {
        IPv4Network(text).map { .fixed($0, gateway: gateway) } ?? .off
    }

    @Test(arguments: [
        Case("dhcp", IPArgument(method: .dhcp)),
        Case("on", IPArgument(method: .dhcp)),
        Case("any", IPArgument(method: .dhcp)),
        Case("dhcp6", IPArgument(method: .dhcp6)),
        Case("auto6", IPArgument(method: .auto6)),
        Case("none", IPArgument(method: .off)),
        Case("off", IPArgument(method: .off)),
        Case("eth0:dhcp", IPArgument(link: eth0, method: .dhcp)),
        Case("eth0:off", IPArgument(link: eth0, method: .off)),
        Case("eth0:auto6:9000", IPArgument(link: eth0, method: .auto6, mtu: 9000)),
        Case("eth0:dhcp:1500:52:54:00:12:34:56", IPArgument(link: eth0, method: .dhcp, mtu: 1500, mac: mac)),
        Case("eth0:none:1500:52:54:00:12:34:56", IPArgument(link: eth0, method: .off, mtu: 1500, mac: mac)),
        Case("eth0:dhcp::52-54-00-12-34-56", IPArgument(link: eth0, method: .dhcp, mac: mac)),
        Case(
            "10.0.0.2::10.0.0.1:255.255.255.0:node-1:eth0:none",
            IPArgument(link: eth0, method: fixed("10.0.0.2/24"), hostName: HostName("node-1"))
        ),
        Case("10.0.0.2::10.0.0.1:24::eth0:off", IPArgument(link: eth0, method: fixed("10.0.0.2/24"))),
        Case("10.0.0.2:::24", IPArgument(method: fixed("10.0.0.2/24", gateway: nil))),
        Case(
            "10.0.0.2:10.0.0.9:10.0.0.1:24:n:eth0:none:9000:52:54:00:12:34:56",
            IPArgument(link: eth0, method: fixed("10.0.0.2/24"), hostName: HostName("n"), mtu: 9000, mac: mac)
        ),
        Case(
            "10.0.0.2::10.0.0.1:24:n:eth0:none:8.8.8.8:9.9.9.9",
            IPArgument(
                link: eth0,
                method: fixed("10.0.0.2/24"),
                hostName: HostName("n"),
                nameservers: ["8.8.8.8", "9.9.9.9"].compactMap { IPv4Address($0) }
            )
        ),
        Case("::::node-1:eth0:dhcp", IPArgument(link: eth0, method: .dhcp, hostName: HostName("node-1"))),
    ])
    func reads(sample: Case) throws { #expect(try IPArgument(parsing: sample.text) == sample.expected) }

    @Test(
        "a bad value is a named error",
        arguments: [
            ("", "names no method"), ("dhpc", "is no method"), ("10.0.0.2", "address alone"),
            ("10.0.0.2::10.0.0.1:33::eth0:none", "neither a netmask"),
            ("10.0.0.2::10.0.0.1:::eth0:none", "neither a netmask"),
            ("10.0.0.2::10.0.0.1:255.0.255.0::eth0:none", "neither a netmask"),
            ("10.0.0.300::10.0.0.1:24::eth0:none", "no IPv4 address"),
            ("10.0.0.2::gw:24::eth0:none", "no IPv4 address"),
            ("10.0.0.2::10.0.0.1:24:a_b:eth0:none", "no host name"),
            ("10.0.0.2::10.0.0.1:24::e/0:none", "no interface name"),
            ("10.0.0.2::10.0.0.1:24::eth0:ibft", "is no method"), ("eth0:dhcp:12", "no MTU"),
            ("eth0:dhcp:1500:52:54", "no MAC"), ("[fe80::1]:::64::eth0:none", "IPv6"), ("[fe80::1", "bracket"),
        ]
    )
    func refuses(text: String, reason: String) {
        let error = #expect(throws: KernelArgumentError.self) { try IPArgument(parsing: text) }
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "none")")
        #expect(error?.argument.raw == "ip=\(text)")
    }
}

@Suite struct LinkArgumentTests {
    @Test(arguments: [
        ("vlan5:eth0", 5), ("vlan0005:eth0", 5), ("eth0.7:eth0", 7), ("eth0.0007:eth0", 7), ("vlan4094:b", 4094),
    ])
    func vlan(text: String, id: Int) throws { #expect(try VLANArgument(parsing: text).id == id) }

    @Test(arguments: [
        "", "vlan5", "vlan0:eth0", "vlan4095:eth0", "five:eth0", "vlan:eth0", "vlan5:eth0:x", "vlan-5:eth0",
        "vlan5:a b",
    ])
    func refusesVLAN(text: String) { #expect(throws: KernelArgumentError.self) { try VLANArgument(parsing: text) } }

    @Test func bonds() throws {
        let bond = try BondArgument(parsing: "bond1:eth2,eth3:mode=802.3ad,miimon=100:9000")
        #expect(bond.name.rawValue == "bond1" && bond.links.map(\.rawValue) == ["eth2", "eth3"] && bond.mtu == 9000)
        #expect(bond.options == [.init(name: "mode", value: "802.3ad"), .init(name: "miimon", value: "100")])
        let plain = try BondArgument(parsing: "")
        #expect(plain.name.rawValue == "bond0" && plain.links.map(\.rawValue) == ["eth0", "eth1"])
    }

    @Test(arguments: [
        "b:b", "b:eth0,eth0", "b:eth0:mode", "b:eth0:../x=1", "b:eth0:mode=a/b", "b:eth0:mode=1:12", "a b:eth0",
    ])
    func refusesBond(text: String) { #expect(throws: KernelArgumentError.self) { try BondArgument(parsing: text) } }

    @Test func routes() throws {
        let route = try RouteArgument(parsing: "10.1.0.0/16:10.0.0.1:eth0")
        #expect(route.destination.description == "10.1.0.0/16" && route.link?.rawValue == "eth0")
        #expect(try RouteArgument(parsing: "10.1.0.0/255.255.0.0:10.0.0.1").destination == route.destination)
        for text in ["", "10.1.0.0:10.0.0.1", "10.1.0.0/16", "10.1.0.0/33:10.0.0.1", "10.1.0.0/16:x"] {
            #expect(throws: KernelArgumentError.self) { try RouteArgument(parsing: text) }
        }
    }

    @Test(arguments: [
        ("eth0", true), ("a.b-c_d@e", true), ("", false), (".", false), ("..", false), ("a/b", false), ("a b", false),
        ("a:b", false), ("sixteen-bytes-xx", false), ("é", false),
    ])
    func linkName(text: String, isGood: Bool) { #expect((LinkName(text) != nil) == isGood) }
}

@Suite struct NodeArgumentsTests {
    private func parse(_ line: String) -> NodeArguments { NodeArguments(KernelArguments(line)) }

    @Test func readsWhatANodeNeeds() {
        let arguments = parse(
            "BOOT_IMAGE=x quiet ip=bond0:dhcp bond=bond0:eth0,eth1 vlan=vlan5:bond0 nameserver=10.0.0.1 nameserver=10.0.0.2 "
                + "BOOTIF=01-52-54-00-12-34-56 rd.route=10.1.0.0/16:10.0.0.9 management_server=engine.example:8443 "
                + "management_server_fingerprint=\(String(repeating: "AB:", count: 31))AB hostname=weak unknown=kept"
        )
        #expect(arguments.refused.isEmpty)
        #expect(arguments.addresses.count == 1 && arguments.bonds.count == 1 && arguments.vlans.count == 1)
        #expect(arguments.nameservers.map(\.description) == ["10.0.0.1", "10.0.0.2"])
        #expect(arguments.bootInterface == MACAddress("52:54:00:12:34:56"))
        #expect(arguments.engine?.description == "engine.example:8443")
        #expect(arguments.engineFingerprint?.bytes == [UInt8](repeating: 0xAB, count: 32))
        #expect(arguments.hostName?.rawValue == "weak")
        #expect(parse("hostname=weak ip=::::strong:eth0:dhcp").hostName?.rawValue == "strong")
    }

    @Test(arguments: [
        "management_server=10.0.0.1", "managment_server=10.0.0.1:443", "ovirt_managment_server=https://10.0.0.1/",
        "management_server=first management_server=10.0.0.1",
    ])
    func engineAliases(line: String) { #expect(parse(line).engine?.description == "10.0.0.1") }

    @Test(
        "a bad value is refused by name, and the rest still works",
        arguments: [
            "ip=nonsense", "vlan=x:y", "bond=a:a", "nameserver=8.8.8", "BOOTIF=01-xx", "rd.route=x", "hostname=a_b",
            "management_server=a b:c", "management_server=10.0.0.300", "management_server=h:0",
            "management_server=h:+1",
            "management_server_fingerprint=12", "adminpw=plain", "muster.token=12",
        ]
    )
    func keepsTheRest(bad: String) throws {
        let arguments = parse("nameserver=10.0.0.1 \"\(bad)\" ip=eth0:dhcp")
        #expect(arguments.refused.count == 1)
        let name = try #require(bad.split(separator: "=").first)
        #expect(arguments.refused.first?.description.contains("kernel argument \(name)=") == true)
        #expect(arguments.nameservers.count == 1 && arguments.addresses.count == 1)
    }

    @Test func aPasswordIsNeverInAnError() {
        #expect(parse("adminpw=secret").refused.first?.description.contains("secret") == false)
        #expect(parse("adminpw=$6$salt$hash").adminPasswordHash == "$6$salt$hash")
    }

    @Test func aTokenIsShownNowhere() {
        let token = Nonce.random()
        #expect(parse("quiet muster.token=\(token)").bootToken == token)
        #expect(parse("muster.token=secret").refused.first?.description.contains("secret") == false)
        #expect("\(KernelArguments("muster.token=\(token)").redacted)".contains("\(token)") == false)
        #expect(
            SlotArguments.site(of: KernelArguments("quiet muster.token=\(token)")) == ["quiet"],
            "it is of one boot"
        )
    }

    @Test func hasAnEnd() {
        let arguments = parse(String(repeating: "nameserver=1.1.1.1 ", count: 100))
        #expect(arguments.nameservers.count == NodeArguments.countMax)
        #expect(arguments.refused.count == 100 - NodeArguments.countMax)
    }
}
