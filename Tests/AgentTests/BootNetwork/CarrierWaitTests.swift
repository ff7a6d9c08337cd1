import Agent
import HostModel
import Testing

@Suite struct CarrierWaitTests {
    /// `eth0+ eth1-`: with and without a carrier. MACs count from 52:54:00:00:00:00 by the number in the name.
    static func links(_ text: String) -> [ObservedLink] {
        text.split(separator: " ").compactMap { word in
            let digit = word.dropLast().last.flatMap(\.wholeNumberValue) ?? 0
            return LinkName(word.dropLast()).map {
                ObservedLink(
                    name: $0,
                    mac: MACAddress(octets: [0x52, 0x54, 0, 0, 0, UInt8(digit)]),
                    hasCarrier: word.hasSuffix("+"),
                    isUp: true
                )
            }
        }
    }

    static func intent(_ line: String) -> NetworkIntent {
        NetworkIntent(NodeConfiguration(arguments: NodeArguments(KernelArguments(line))))
    }

    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var line = ""
        var links: String
        var seconds = 0
        /// `nil`: it waits.
        var chosen: String?
        var hasRemark = false
    }

    @Test(
        "F14, F15: late carriers, and the cable in the other interface",
        arguments: [
            Case(testDescription: "one NIC with a carrier", links: "eth0+", chosen: "eth0"),
            Case(testDescription: "one NIC, not yet", links: "eth0-"),
            Case(testDescription: "drivers are still loading", links: ""),
            Case(testDescription: "no NIC at all", links: "", seconds: 60, chosen: "", hasRemark: true),
            Case(
                testDescription: "nobody has a carrier in time: ask on all",
                links: "eth0- eth1-",
                seconds: 60,
                chosen: "eth0 eth1",
                hasRemark: true
            ),
            Case(testDescription: "the first carrier waits for the others", links: "eth0- eth1+"),
            Case(testDescription: "time is up: what is there", links: "eth0- eth1+", seconds: 60, chosen: "eth1"),
            Case(testDescription: "all carriers: no wait", links: "eth0+ eth1+", chosen: "eth0 eth1"),
            Case(
                testDescription: "BOOTIF is the only one that counts",
                line: "BOOTIF=01-52-54-00-00-00-01",
                links: "eth0+ eth1+",
                chosen: "eth1"
            ),
            Case(
                testDescription: "BOOTIF is waited for",
                line: "BOOTIF=01-52-54-00-00-00-01",
                links: "eth0+ eth1-",
                seconds: 59
            ),
            Case(
                testDescription: "BOOTIF never came: another will do",
                line: "BOOTIF=01-52-54-00-00-00-01",
                links: "eth0+ eth1-",
                seconds: 60,
                chosen: "eth0",
                hasRemark: true
            ),
            Case(
                testDescription: "BOOTIF never came, nobody else either",
                line: "BOOTIF=01-52-54-00-00-00-01",
                links: "eth0- eth1-",
                seconds: 60,
                chosen: "eth1",
                hasRemark: true
            ),
            Case(
                testDescription: "BOOTIF is of no interface",
                line: "BOOTIF=01-52-54-00-00-00-09",
                links: "eth0+",
                seconds: 60,
                chosen: "eth0",
                hasRemark: true
            ),
            Case(testDescription: "a named one", line: "ip=eth1:dhcp", links: "eth0+ eth1+", chosen: "eth1"),
            Case(testDescription: "a named one is waited for", line: "ip=eth1:dhcp", links: "eth0+ eth1-", seconds: 59),
            Case(
                testDescription: "a named one without a carrier is set up all the same",
                line: "ip=eth1:dhcp",
                links: "eth0+ eth1-",
                seconds: 60,
                chosen: "eth1",
                hasRemark: true
            ),
            Case(
                testDescription: "a VLAN waits for what it stands on",
                line: "ip=vlan5:dhcp vlan=vlan5:eth1",
                links: "eth0+ eth1+",
                chosen: "eth1"
            ),
            Case(
                testDescription: "a bond waits for its ports",
                line: "ip=bond0:dhcp bond=bond0:eth0,eth1",
                links: "eth0+ eth1-"
            ),
        ]
    )
    func decides(sample: Case) {
        var wait = CarrierWait(Self.intent(sample.line), secondsMax: 60)
        let decision = wait.decide(Self.links(sample.links), seconds: sample.seconds)
        guard case .go(let chosen, let remark) = decision else {
            #expect(sample.chosen == nil, "it should have gone on")
            return
        }
        #expect(chosen.map(\.rawValue).joined(separator: " ") == sample.chosen)
        #expect((remark != nil) == sample.hasRemark)
    }

    @Test("the others get a few seconds after the first carrier, counted from that one")
    func settles() {
        var wait = CarrierWait(Self.intent(""), secondsMax: 60)
        guard case .wait = wait.decide(Self.links("eth0- eth1-"), seconds: 20),
            case .wait = wait.decide(Self.links("eth0- eth1+"), seconds: 30),
            case .wait = wait.decide(Self.links("eth0- eth1+"), seconds: 33)
        else {
            Issue.record("it did not wait")
            return
        }
        #expect(
            wait.decide(Self.links("eth0- eth1+"), seconds: 34) == .go(Self.links("eth1+").map(\.name), remark: nil)
        )
    }

    @Test func bridgesAndBondsAreNoNICs() {
        var links = Self.links("eth0-")
        if let name = LinkName("br0") { links.append(ObservedLink(name: name, kind: .bridge, hasCarrier: true)) }
        var wait = CarrierWait(Self.intent(""), secondsMax: 60)
        #expect(wait.decide(links, seconds: 0) == .wait("waiting for a carrier"))
    }
}
