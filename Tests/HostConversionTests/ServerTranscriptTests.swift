import FoundationEssentials
import HostModel
import Testing

/// The frame in which a server's facts come: hostile input, every byte of it.
@Suite struct ServerTranscriptTests {
    static func text(_ items: [(String, String)]) -> [UInt8] {
        let lines = items.map { "\($0.0) \(Data($0.1.utf8).base64EncodedString())\n" }
        return Array("muster-answer 1\n\(lines.joined())end \(items.count)\n".utf8)
    }

    static let sample = text([
        ("os-release", "ID=debian\n"), ("kernel", "6.1"), ("mounts", "a\u{7}\u{1b}[31m b\n"), ("x", "1234"),
    ])

    @Test("what went in comes out, whatever is in it")
    func roundTrip() throws {
        let transcript = try ServerTranscript(Self.sample)
        #expect(transcript.text("os-release") == "ID=debian\n")
        #expect(transcript.text("mounts") == "a\u{7}\u{1b}[31m b\n")
        #expect(transcript.word("x") == "1234" && transcript.word("none") == nil)
        let all = String(decoding: UInt8.min...127, as: UTF8.self)
        #expect(try ServerTranscript(Self.text([("all", all)])).text("all") == all)
        #expect(try ServerTranscript(Self.text([])).lines("x").isEmpty)
    }

    @Test("every strict prefix is refused")
    func refusesPrefixes() {
        for length in 0..<Self.sample.count {
            #expect(throws: ServerTranscript.Failure.self, "\(length)") {
                try ServerTranscript(Array(Self.sample.prefix(length)))
            }
        }
    }

    @Test("a flipped bit is refused, or changes a letter of a name or a text and nothing else; nothing traps")
    func survivesFlips() {
        for index in Self.sample.indices {
            for bit in 0..<8 {
                var bytes = Self.sample
                bytes[index] ^= 1 << UInt8(bit)
                guard let transcript = try? ServerTranscript(bytes) else { continue }
                _ = ServerFacts(transcript)
                #expect(transcript.text("os-release") == "ID=debian\n" || transcript.text("kernel") == "6.1")
            }
        }
    }

    @Test(
        "what is not the frame is refused",
        arguments: [
            "", "muster-answer 2\nend 0\n", "muster-answer 1\nend 0", "muster-answer 1\nend 1\n",
            "muster-answer 1\na YQ==\na YQ==\nend 2\n",
            "muster-answer 1\na YQ\nend 1\n", "muster-answer 1\na YR==\nend 1\n", "muster-answer 1\na Y===\nend 1\n",
            "muster-answer 1\nA YQ==\nend 1\n", "muster-answer 1\na  YQ==\nend 1\n", "muster-answer 1\n\nend 0\n",
            "x\nmuster-answer 1\nend 0\n",
            "muster-answer 1\nend 0\nx\n", "muster-answer 1\na =YQ=\nend 1\n", "muster-answer 1\na YQ= \nend 1\n",
        ]
    )
    func refuses(text: String) {
        #expect(throws: ServerTranscript.Failure.self) { try ServerTranscript(Array(text.utf8)) }
    }

    @Test("limits: size, and number of items")
    func limits() {
        let long = [UInt8](repeating: 97, count: ServerTranscript.bytesMax + 1)
        #expect(throws: ServerTranscript.Failure.tooLong) { try ServerTranscript(long) }
        let many = Self.text((0...ServerTranscript.itemsMax).map { ("i\($0)", "x") })
        #expect(throws: ServerTranscript.Failure.self) { try ServerTranscript(many) }
    }

    @Test("facts of an EL 9 server with VLAN over bond, and hostile names")
    func parsesEnterpriseLinux() throws {
        let transcript = try ServerTranscript(
            Self.text([
                (
                    "os-release",
                    "NAME=\"CentOS Stream\"\nID=\"centos\"\nVERSION_ID=\"9\"\nPRETTY_NAME='CentOS \u{1b}Stream 9'\n"
                ),
                ("cpu", "processor\t: 0\nflags\t\t: fpu vmx sse\n"), ("kvm-log", "kvm: disabled by bios\n"),
                ("memory", "MemTotal:       16000000 kB\n"),
                ("mounts", "/dev/sda1 / xfs rw,relatime 0 0\n/dev/sdb1 /mnt/a\\040b\\012end\\0409 xfs ro 0 0\n"),
                ("disk", "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 50 50 50% /\n"),
                ("links", "bond0 bond - - - eth0,eth1\nbond0.5 vlan - 5 bond0 -\nbad name x\n/../x device - - - -\n"),
                ("addresses", "7: bond0.5    inet 192.0.2.7/24 brd 192.0.2.255 scope global bond0.5\n"),
                ("packages", "ii bash 5.1\nii $(reboot) 1\nii ;rm 1\n"),
                ("rules", "  type filter hook input priority filter; policy drop;\n"),
                ("repositories", "https://mirror.example/stream\nhttp://user:p@h:8080/x\nftp://x/y\nhttp://-oX/y\n"),
                ("passwd", "root:x:0\nvdsm:x:36\nbroken\n"), ("uuid", "4C4C4544-0000-1111-2222-333344445555\n"),
            ])
        )
        let facts = ServerFacts(transcript)
        #expect(facts.distribution?.family == .rpm && facts.distribution?.major == 9)
        #expect(facts.virtualization == .disabledInFirmware && facts.memory == 15625)
        #expect(facts.mounts.map(\.path.raw) == ["/", "/mnt/a b\nend 9"] && facts.mounts[0].free == 50)
        #expect(facts.links.map(\.name.rawValue) == ["bond0", "bond0.5"])
        #expect(facts.links[1].kind == .vlan(5, below: LinkName("bond0")) && facts.links[1].addresses == ["192.0.2.7"])
        #expect(facts.packages == ["bash", "$(reboot)", ";rm"] && facts.dropsInput)
        #expect(facts.repositories.map(\.description) == ["h:8080", "mirror.example:443"])
        #expect(facts.users.map(\.id) == [0, 36])
        #expect(facts.smbiosUUID?.rawValue == "4c4c4544-0000-1111-2222-333344445555")
    }

    @Test(
        "a word in quotes is the same word again for a real shell",
        arguments: ["", "a b", "it's", "''", "$(reboot)`x`\\\n\"", "-n", "ä\u{1b}"]
    )
    func quotes(text: String) async throws {
        #expect(try await output(of: "sh", ["-c", "printf %s " + shellQuoted(text)]) == text)
    }
}
