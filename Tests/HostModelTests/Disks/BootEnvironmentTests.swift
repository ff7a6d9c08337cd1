import HostModel
import Testing

@Suite struct BootEnvironmentTests {
    private static let all: [BootEnvironment] = BootSlot.allCases.flatMap { good in
        [BootEnvironment(good: good)]
            + (0...BootEnvironment.triesMax).map { BootEnvironment(good: good, trial: good.other, left: $0) }
    }

    @Test(arguments: all)
    func whatIsWrittenIsRead(environment: BootEnvironment) {
        let bytes = environment.bytes
        #expect(bytes.count == 1024)
        #expect(BootEnvironment(parsing: bytes) == environment)
        // One sector holds all of it: a power cut cannot mix two.
        #expect(bytes[512...].allSatisfy { $0 == UInt8(ascii: "#") })
    }

    @Test func everyStrictPrefixIsNone() {
        let bytes = BootEnvironment(good: .a, trial: .b, left: 3).bytes
        for count in 0..<bytes.count { #expect(BootEnvironment(parsing: Array(bytes[..<count])) == nil) }
    }

    /// A damaged block names a slot all the same, or it is none; never more tries than there are.
    @Test func everyByteFlippedBootsASlot() {
        let bytes = BootEnvironment(good: .b, trial: .a, left: 2).bytes
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(bit)
                guard let read = BootEnvironment(parsing: damaged) else { continue }
                #expect((0...BootEnvironment.triesMax).contains(read.left))
                if read.trial == nil { #expect(read.left == 0) }
            }
        }
    }

    /// As GRUB's save_env writes it: other variables, another order.
    @Test func othersVariablesAreLeftAlone() {
        let text = "# GRUB Environment Block\nsaved_entry=x\nmuster_left=2\nmuster_try=b\nmuster_slot=a\n"
        let bytes = Array(text.utf8) + [UInt8](repeating: 35, count: 1024 - text.utf8.count)
        #expect(BootEnvironment(parsing: bytes) == BootEnvironment(good: .a, trial: .b, left: 2))
    }

    @Test func theLifeOfATrial() {
        let before = BootEnvironment(good: .a)
        let armed = before.trying(.b)
        #expect(armed == BootEnvironment(good: .a, trial: .b, left: 3))
        #expect(armed.confirming(.b) == BootEnvironment(good: .b))
        // The node fell back: the trial stays as it is, so that it can be told.
        #expect(armed.givingUp.confirming(.a) == BootEnvironment(good: .a, trial: .b, left: 0))
        #expect(BootEnvironment(good: .b).trying(.b) == BootEnvironment(good: .a, trial: .b, left: 3))
    }
}

@Suite struct SlotArgumentsTests {
    private static let disk = GUID(1, 2, 3, 4)

    @Test func wordsOfTheImageThenTheSiteThenOurs() throws {
        let line =
            "BOOT_IMAGE=/x console=ttyS0 management_server=10.0.0.1 BOOTIF=01-52-54-00-12-34-56 muster.install=serial=1 ip=dhcp muster.image=http://h/images/n/v"
        let site = SlotArguments.site(of: KernelArguments(line))
        #expect(site == ["console=ttyS0", "management_server=10.0.0.1", "ip=dhcp"])
        let arguments = try SlotArguments(
            image: ["console=ttyS0", "quiet"],
            site: site,
            slot: .b,
            disk: Self.disk,
            hasRoot: true
        )
        #expect(
            arguments.words == [
                "console=ttyS0", "quiet", "management_server=10.0.0.1", "ip=dhcp", "muster.image=slot:b",
                "muster.disk=00000001-0002-0003-0000-000000000004", "panic=30",
            ]
        )
        // What the next upgrade reads is what it was given, without the image's own words.
        #expect(
            SlotArguments.site(of: KernelArguments(arguments.siteText)) == ["management_server=10.0.0.1", "ip=dhcp"]
        )
    }

    @Test func signsThatGRUBExpandsAreKept() throws {
        let site = ["adminpw=$6$salt$hash", "x={a};b|c&d"]
        let arguments = try SlotArguments(image: [], site: site, slot: .a, disk: Self.disk, hasRoot: false)
        #expect(arguments.text.contains("'adminpw=$6$salt$hash x={a};b|c&d muster.disk="))
    }

    @Test(arguments: ["a b", "a'b", "a\"b", "a\nb", "a\\b", "ä", ""])
    func aWordThatCannotBeQuotedIsRefused(word: String) {
        #expect(throws: SlotArguments.Refusal.self) {
            try SlotArguments(image: [word], site: [], slot: .a, disk: Self.disk, hasRoot: false)
        }
    }

    @Test func aLineThatTheKernelWouldCutIsRefused() {
        #expect(throws: SlotArguments.Refusal.self) {
            try SlotArguments(
                image: [String(repeating: "a", count: 1900)],
                site: [],
                slot: .a,
                disk: Self.disk,
                hasRoot: false
            )
        }
    }
}
