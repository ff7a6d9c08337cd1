import HostModel
import Recipes
import Testing

@Suite struct KernelCommandLineTests {
    private static let mac = MACAddress("52:54:00:12:34:56")

    @Test(
        "a word that a script, GRUB or the kernel would act on is refused, and the error names it",
        arguments: [
            "a b", "a\tb", "a\nb", "a\rb", "a\u{0}b", "", "${net0/mac}", "x=${x}", "$(reboot)", "a&&b", "&&", "||",
            "a||b",
            "#", "a#b", ";", "a;b", "a\\", "`id`", "{{mac}}", "x=\"y\"", "x='y'", "é", "\u{202E}x", "\u{1B}[2J",
        ]
    )
    func refuses(word: String) {
        #expect {
            try KernelCommandLine(["quiet", word])
        } throws: { error in
            guard case .unsafeArgument(word, _) = error as? RecipeError else { return false }
            return true
        }
    }

    @Test(
        "what nodes are given passes",
        arguments: [
            "console=ttyS0,115200n8", "ip=10.0.0.5::10.0.0.1:255.255.255.0:n1:eth0:none", "vlan=eth0.100:eth0",
            "bond=bond0:eth0,eth1:mode=802.3ad,miimon=100", "rd.break", "modprobe.blacklist=a,b", "root=/dev/sda$1",
            "a&b|c",
            "BOOTIF=01-52-54-00-12-34-56", "isolcpus=0-3", "@", "%", "~", "!",
        ]
    )
    func accepts(word: String) throws {
        #expect(try KernelCommandLine([word]).text == word)
    }

    @Test func refusesWhatTheKernelWouldCutOff() throws {
        let fits = [String](repeating: "a", count: 1024)
        #expect(try KernelCommandLine(fits).text.utf8.count == KernelCommandLine.bytesMax)
        #expect(throws: RecipeError.commandLineTooLong(bytes: 2049, limit: 2047)) {
            try KernelCommandLine(fits + ["b"])
        }
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var profile: [String] = []
        var engine: EngineLocation?
        var firmware = BootFirmware.bios
        var text: String
    }

    @Test(arguments: [
        Case(testDescription: "nothing known", text: "quiet BOOTIF=01-52-54-00-12-34-56 ip=dhcp"),
        Case(
            testDescription: "engine",
            engine: EngineLocation(server: "engine.example:8443"),
            text: "quiet management_server=engine.example:8443 BOOTIF=01-52-54-00-12-34-56 ip=dhcp"
        ),
        Case(
            testDescription: "the profile's words take the place of ours",
            profile: ["ip=eth1:dhcp", "BOOTIF=x", "management_server=other"],
            engine: EngineLocation(server: "engine.example", fingerprint: String(repeating: "a", count: 64)),
            text: "quiet ip=eth1:dhcp BOOTIF=x management_server=other"
        ),
        Case(
            testDescription: "a parameter whose name only begins like ours",
            profile: ["ipv6.disable=1"],
            text: "quiet ipv6.disable=1 BOOTIF=01-52-54-00-12-34-56 ip=dhcp"
        ),
        Case(
            testDescription: "EFI",
            firmware: .uefi,
            text: "quiet BOOTIF=01-52-54-00-12-34-56 ip=dhcp initrd=initramfs"
        ),
    ])
    func composes(_ sample: Case) throws {
        let line = try KernelCommandLine.node(
            image: ["quiet"],
            profile: sample.profile,
            engine: sample.engine,
            mac: try #require(Self.mac),
            firmware: sample.firmware,
            initramfs: "initramfs"
        )
        #expect(line.text == sample.text)
    }
}

@Suite struct EngineLocationTests {
    @Test(arguments: [
        ("engine.example", "engine.example"), ("10.0.0.1", "10.0.0.1"), ("Engine:8443", "engine:8443"),
    ])
    func reads(text: String, server: String) {
        #expect(EngineLocation(server: text)?.server == server)
    }

    @Test(arguments: ["", ":443", "a:", "a:0", "a:65536", "a:+1", "a:01", "a b", "a\nb", "${x}", "a:1:2", "-a", "a/b"])
    func refuses(text: String) {
        #expect(EngineLocation(server: text) == nil)
    }

    @Test func normalizesTheFingerprint() {
        let pairs = [String](repeating: "AB", count: 32)
        let location = EngineLocation(server: "e", fingerprint: pairs.joined(separator: ":"))
        #expect(location?.fingerprint == pairs.joined().lowercased())
        #expect(EngineLocation(server: "e", fingerprint: "ab") == nil)
    }
}
