import Foundation
import HostModel
import Testing

@testable import Commands

@Suite struct RenderingTests {
    @Test("A31: hosts as a table; what machines said drives no terminal") func hostsAsATable() {
        let text = hostTable([Samples.up, Samples.hostile]).text(.plain, headers: true)
        #expect(
            text == """
                NAME       STATUS            ADDRESS      MAC                CLUSTER  HARDWARE
                node-5a31  up                10.77.0.100  52:54:00:12:34:56  Default  QEMU Standard PC
                node-evil  pending_approval  10.77.0.101  52:54:00:12:34:56  Default  Evil\\u{1b}[2J\\u{202e}\\u{a}up \\u{9b}31m

                """
        )
        #expect(hostTable([Samples.up]).text(.plain, headers: false).split(separator: "\n").count == 1)
    }

    @Test(
        "a claim on a host that is up shows beside its status",
        arguments: [
            (0, "up"), (1, "up (1 claim)"), (2, "up (2 claims)"),
        ]
    )
    func claims(count: Int, shown: String) {
        var host = Samples.up
        host.muster.claims = Array(repeating: Samples.claim, count: count)
        #expect(host.statusCell.text == shown)
    }

    @Test func aHostAsDetails() {
        #expect(
            hostDetails(Samples.hostile, .plain).text(.plain, headers: true) == """
                Name      node-evil
                Id        1c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60
                Status    pending_approval
                Address   10.77.0.101, agent on port 54321
                MAC       52:54:00:12:34:56
                Cluster   Default
                Hardware  Evil\\u{1b}[2J\\u{202e}\\u{a}up \\u{9b}31m
                Memory    1024 MiB

                Claim of node-evil
                  Id           2c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60
                  State        pending
                  Since        2026-01-01 00:00:00
                  From         10.77.0.101
                  Hardware id  5a31
                  Key          SHA256:abc
                  Machine      Evil\\u{1b}[2J
                  CPU, memory  2 CPUs, 1024 MiB
                  KVM          no
                  Firmware     -
                  Kernel       -
                  eth0\\u{7}    52:54:00:aa:bb:cc, e1000, link

                """
        )
    }

    @Test("A31: JSON keeps every value, and leaves the terminal alone")
    func json() throws {
        let text = OutputFormat.json.render([Samples.hostile], as: hostTable([]), .plain)
        let isSafe = text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
        #expect(isSafe)
        #expect(!text.contains("\u{202E}"))
        let hosts = try JSONDecoder().decode([HostResource].self, from: Data(text.utf8))
        #expect(hosts == [Samples.hostile])
        let event = OutputFormat.json.render([Samples.event(1, "ok")], as: hostTable([]), .plain)
        #expect(
            event == """
                [
                  {
                    "code" : "20001",
                    "custom_id" : "-1",
                    "description" : "ok",
                    "host" : {
                      "id" : "h",
                      "name" : "node-5a31"
                    },
                    "id" : "1",
                    "index" : "1",
                    "origin" : "oVirt",
                    "severity" : "normal",
                    "time" : "2026-01-01T00:00:01.000Z"
                  }
                ]

                """
        )
    }

    @Test("A31: YAML keeps every value, and leaves the terminal alone")
    func yaml() {
        let profile = BootProfile(
            name: "node",
            mode: .run,
            image: ImageReference("node-minimal"),
            kernelArguments: ["a=1"]
        )
        let text = OutputFormat.yaml.render([profile], as: profileTable([]), .plain)
        #expect(text == "- image: node-minimal\n  kernelArguments:\n  - a=1\n  mode: run\n  name: node\n")
        let hostile = OutputFormat.yaml.render(["a": "\u{202E}\u{9B}2J", "b": "ü"], as: Sentence(words: ""), .plain)
        #expect(hostile == #"a: "\u202E\x9B2J"\#nb: "\xFC"\#n"#)
        #expect(OutputFormat.yaml.render(["b": "ü"], as: Sentence(words: ""), .plain) == "b: ü\n")
    }

    @Test(
        "colours mark what needs a person, and only on a terminal",
        arguments: [
            ([:], true, true), (["NO_COLOR": "1"], true, false), (["NO_COLOR": ""], true, true),
            (["TERM": "dumb"], true, false), ([:], false, false),
        ] as [([String: String], Bool, Bool)]
    )
    func colours(environment: [String: String], isTerminal: Bool, isColoured: Bool) {
        let style = Style.ofOutput(environment: environment, isTerminal: isTerminal)
        #expect(style.isColoured == isColoured)
        let text = hostTable([Samples.up]).text(style, headers: false)
        #expect(text.contains("\u{1B}[32mup\u{1B}[0m") == isColoured)
    }

    @Test(
        "times are local in tables",
        arguments: [
            ("2026-01-01T00:00:00.000Z", 3600, "2026-01-01 01:00:00"), ("1767225600", 0, "2026-01-01 00:00:00"),
            ("2026-01-01T00:00:00Z", -7200, "2025-12-31 22:00:00"), ("soon", 0, "soon"), ("-5", 0, "-5"),
        ]
    )
    func times(wire: String, offset: Int, shown: String) throws {
        let zone = try #require(TimeZone(secondsFromGMT: offset))
        #expect(LocalTime.text(wire, Style(isColoured: false, timeZone: zone)) == shown)
    }

    @Test("A31: events as a table; what machines said drives no terminal") func eventsAsATable() {
        let events = [Samples.event(2, "late \u{1B}]0;x\u{7}", severity: "error"), Samples.event(1, "early")]
        #expect(
            eventTable(events, .plain).text(.plain, headers: true) == """
                TIME                 SEVERITY  HOST       EVENT
                2026-01-01 00:00:02  error     node-5a31  late \\u{1b}]0;x\\u{7}
                2026-01-01 00:00:01  normal    node-5a31  early

                """
        )
    }

    @Test("a value that fills the screen is cut; a wide character counts for two")
    func widths() {
        #expect(terminalWidth("日本") == 4)
        let table = Table(
            header: ["A", "B"],
            rows: [[Cell("日本"), Cell("x")], [Cell(String(repeating: "y", count: 99)), Cell("z")]]
        )
        let lines = table.text(.plain, headers: true).split(separator: "\n").map(String.init)
        #expect(lines[1] == "日本" + String(repeating: " ", count: Cell.widthMax - 4 + 2) + "x")
        #expect(lines[2] == String(repeating: "y", count: Cell.widthMax - 1) + "…  z")
    }

    @Test func networksOfAHostAsTables() throws {
        let json = """
            {"bridges":{"ovirtmgmt":{"ports":["eth0"],"stp":"off","mtu":"1500","ipv4addrs":["10.77.0.100/24"],
            "ipv6addrs":["fe80::1/64"],"opts":{"x":"1"}}},"nics":{"eth0":{"hwaddr":"52:54:00:12:34:56","speed":1000,
            "mtu":1500},"eth1\\u001b":{"hwaddr":"52:54:00:12:34:57","speed":0,"mtu":"1500"},
            "eth2":{"hwaddr":"52:54:00:12:34:58","speed":0,"operstate":"up","mtu":"1500"},
            "eth3":{"hwaddr":"52:54:00:12:34:59","speed":1000,"operstate":"down","mtu":"1500"}},"bondings":{},"vlans":{},
            "networks":{"ovirtmgmt":{"iface":"ovirtmgmt","southbound":"eth0","bridged":true,"mtu":"1500",
            "ipv4addrs":["10.77.0.100/24"],"gateway":"10.77.0.1"}},"kvmEnabled":"true",
            "musterNetworkDrift":{"ovirtmgmt":["put eth0 in ovirtmgmt"]}}
            """
        let reported = try JSONDecoder().decode(ReportedNetworks.self, from: Data(json.utf8))
        #expect(
            reported.layout.text(.plain, headers: true) == """
                Networks
                NAME       OVER  BRIDGED  VLAN  MTU   ADDRESSES       GATEWAY
                ovirtmgmt  eth0  true     -     1500  10.77.0.100/24  10.77.0.1

                Bridges
                NAME       PORTS  STP  MTU   ADDRESSES
                ovirtmgmt  eth0   off  1500  10.77.0.100/24

                NICs
                NAME        MAC                LINK       MTU   BRIDGE     ADDRESSES
                eth0        52:54:00:12:34:56  1000 Mb/s  1500  ovirtmgmt  -
                eth1\\u{1b}  52:54:00:12:34:57  -          1500  -          -
                eth2        52:54:00:12:34:58  up         1500  -          -
                eth3        52:54:00:12:34:59  no link    1500  -          -

                Changed by others
                NAME       TO BE AS CONFIGURED
                ovirtmgmt  put eth0 in ovirtmgmt

                """
        )
        let shown = OutputFormat.json.render(reported, as: reported.layout, .plain)
        #expect(try JSONDecoder().decode(ReportedNetworks.self, from: Data(shown.utf8)) == reported)
        #expect(shown.contains(#""x" : "1""#), "what the agent says beyond our columns survives")
    }
}
