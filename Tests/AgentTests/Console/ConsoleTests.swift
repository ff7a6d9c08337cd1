import Agent
import HostModel
import Testing

@Suite struct ConsoleTests {
    /// A person at a console: types, and reads what comes back.
    struct Person {
        var console = Console()
        var screen = ""
        var actions: [Console.Action] = []

        init(_ snapshot: NodeSnapshot = StatusScreenTests.snapshot(StatusScreenTests.report(.contacting))) {
            take(.snapshot(snapshot))
            screen = ""
        }

        mutating func take(_ event: Console.Event) {
            for action in console.handle(event) {
                switch action {
                case .print(let text): screen += text
                case .draw: screen += "<screen>"
                default: actions.append(action)
                }
            }
        }

        mutating func type(_ text: String) {
            for character in text { take(.key(character == "\n" ? .enter : .character(character))) }
        }
    }

    @Test func networkForm() throws {
        var person = Person()
        person.type("1eth0\n5\n10.0.0.5/24\n10.0.0.1\n10.0.0.2 8.8.8.8\nnode-9\ny\n")
        #expect(
            person.screen == """
                \r
                Network settings. Interfaces of this machine:\r
                  eth0 52:54:00:12:34:56 carrier\r
                An empty answer keeps what stands in brackets; Escape goes back.\r
                Interface, - for automatic [automatic]: eth0\r
                VLAN number, - for none [none]: 5\r
                Address with prefix length, - for DHCP [DHCP]: 10.0.0.5/24\r
                Gateway, - for none [none]: 10.0.0.1\r
                Name servers, - for those of DHCP [DHCP's]: 10.0.0.2 8.8.8.8\r
                Host name, - for automatic [automatic]: node-9\r
                Save and apply? (y/n): y\r

                """
        )
        var wanted = NodeSettings()
        wanted.hostName = HostName("node-9")
        wanted.network = NodeSettings.Network(
            link: LinkName("eth0"),
            vlan: 5,
            address: IPv4Network("10.0.0.5/24"),
            gateway: IPv4Address("10.0.0.1"),
            nameservers: ["10.0.0.2", "8.8.8.8"].compactMap { IPv4Address($0) }
        )
        #expect(person.actions == [.save(wanted, .network)])
    }

    @Test("each bad answer is told why, and asked again; nothing is saved without a y")
    func refusedAnswers() {
        var person = Person()
        person.type("1a/b\neth0\n4095\n\n10.0.0.5\n10.0.0.5/24\n10.0.0\n\n1.1.1.1 x\n\n-x\n\nn\n")
        let reasons = [
            "That is no interface name.", "A VLAN number is 1 to 4094.", "Expected something like 192.0.2.5/24.",
            "That is no IPv4 address.", "Expected at most 3 IPv4 addresses.", "A host name has letters",
        ]
        for reason in reasons { #expect(person.screen.contains("\(reason)"), "\(reason)") }
        #expect(person.actions.isEmpty && person.screen.hasSuffix("\r\n<screen>"))
    }

    @Test("an empty answer keeps, a hyphen clears")
    func keepsAndClears() {
        var snapshot = StatusScreenTests.snapshot(nil)
        snapshot.configuration.settings.network = NodeSettings.Network(
            link: LinkName("eth1"),
            vlan: 5,
            address: IPv4Network("10.0.0.5/24"),
            gateway: IPv4Address("10.0.0.1")
        )
        var person = Person(snapshot)
        person.type("1\n\n-\n\n\ny\n")
        var wanted = snapshot.configuration.settings
        wanted.network?.address = nil
        wanted.network?.gateway = nil
        #expect(person.actions == [.save(wanted, .network)])
        person = Person(snapshot)
        person.type("1-\n-\n\n\ny\n")
        #expect(person.actions == [.save(NodeSettings(), .network)], "without an interface there is no VLAN either")
    }

    @Test(arguments: [(EnrolmentStatus.Stage.pending, false), (.approved, true)])
    func engineForm(stage: EnrolmentStatus.Stage, leaves: Bool) throws {
        var person = Person(StatusScreenTests.snapshot(StatusScreenTests.report(stage)))
        let fingerprint = String(repeating: "ab", count: 32)
        person.type("2engine.example:8443\n\(fingerprint)\ny\n")
        var wanted = NodeSettings()
        (wanted.engine, wanted.engineFingerprint) = (EngineAddress("engine.example:8443"), Nonce(hex: fingerprint))
        #expect(person.actions == [.save(wanted, .engine(leavesEngine: leaves))])
        #expect(person.screen.contains("gives up its certificate") == leaves)
    }

    @Test func sameEngineKeepsTheCertificate() {
        var person = Person(StatusScreenTests.snapshot(StatusScreenTests.report(.approved)))
        person.type("210.77.0.1\n\ny\n")
        guard case .save(_, .engine(leavesEngine: false)) = person.actions.first else {
            Issue.record("expected the certificate to stay")
            return
        }
    }

    @Test("editing: backspace, the whole line, and a limit")
    func editing() {
        var person = Person()
        person.type("2ab")
        person.take(.key(.backspace))
        person.take(.key(.eraseLine))
        person.take(.key(.backspace))
        #expect(person.screen.hasSuffix(": ab\u{8} \u{8}\u{8} \u{8}"))
        person.screen = ""
        person.type(String(repeating: "x", count: 500))
        #expect(person.screen.filter { $0 == "x" }.count == ConsoleLimits().answerMax)
    }

    @Test func rebootNeedsTheWord() {
        for answer in ["", "y", "YES", "yes "] {
            var person = Person()
            person.type("5\(answer)\n")
            #expect(person.actions.isEmpty, "\(answer)")
        }
        var person = Person()
        person.type("5yes\n")
        #expect(person.actions == [.reboot])
    }

    @Test func shellNeedsThePassword() {
        var person = Person()
        person.type("6")
        #expect(person.actions == [.findPassword])
        person.take(.password(.unusable("No password is set.")))
        #expect(person.screen.contains("No password is set."))
        person.type("x6")
        person.screen = ""
        person.take(.password(.isSet))
        person.type("secret\n")
        #expect(person.screen == "\r\nPassword: \r\n", "the password is not shown")
        #expect(person.actions.last == .checkPassword("secret"))
        person.type("6")
        person.take(.password(.wrong))
        #expect(!person.actions.contains(.openShell))
        person.type("x6")
        person.take(.password(.isSet))
        person.type("right\n")
        person.take(.password(.accepted))
        #expect(person.actions.last == .openShell)
    }

    @Test("a state that changes is shown at once, and everything again after half a minute")
    func redraws() {
        var person = Person()
        person.take(.tick(1))
        #expect(person.screen.isEmpty)
        person.take(.snapshot(StatusScreenTests.snapshot(StatusScreenTests.report(.contacting))))
        #expect(person.screen.isEmpty, "nothing changed")
        person.take(.snapshot(StatusScreenTests.snapshot(StatusScreenTests.report(.pending, code: "00000-0000"))))
        #expect(person.screen == "<screen>")
        person.take(.tick(30))
        #expect(person.screen == "<screen>")
        person.take(.tick(31))
        #expect(person.screen == "<screen><screen>")
    }

    @Test("a dialogue is not drawn over, and given up when nobody goes on")
    func idleDialogue() {
        var person = Person()
        person.take(.tick(10))
        person.type("2")
        person.screen = ""
        person.take(.snapshot(StatusScreenTests.snapshot(StatusScreenTests.report(.approved))))
        person.take(.tick(100))
        #expect(person.screen.isEmpty)
        person.take(.tick(190))
        #expect(person.screen == "<screen>")
    }

    @Test func escapeGoesBack() {
        for choice in ["1", "2", "5"] {
            var person = Person()
            person.type(choice)
            person.take(.key(.cancel))
            person.type("y\n")
            #expect(person.actions.isEmpty && person.screen.hasSuffix("<screen>"), "\(choice)")
        }
    }

    @Test func theWayIsShownStepByStep() {
        var person = Person()
        person.type("3")
        #expect(person.actions == [.testWay])
        person.screen = ""
        person.type("5yes\n")
        person.take(.wayStep(WayStep(.tcp, .failed(remedy: "open it"), "closed \u{1b}[1m")))
        person.take(.finished("The way is not clear."))
        person.type("x")
        #expect(
            person.screen
                == "TCP       FAILED  closed \\u{1b}[1m; open it\r\nThe way is not clear.\r\n\r\nPress a key to go back.\r\n<screen>"
        )
        #expect(person.actions == [.testWay], "keys pressed meanwhile do nothing")
    }
}
