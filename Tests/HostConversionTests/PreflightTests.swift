import HostConversion
import HostModel
import Testing

/// Every finding, by what brings it about. `good` has none that warns.
@Suite struct PreflightTests {
    static let address = "192.0.2.7"
    static let now: Int64 = 1_800_000_000
    static let mib = 1024

    static let engine = EngineAddress("engine.example")
    static let id = HardwareID("4c4c4544-0000-1111-2222-333344445555")

    static func link(_ name: String, _ kind: ServerFacts.Link.Kind = .device, _ addresses: [String] = []) throws
        -> ServerFacts.Link
    {
        ServerFacts.Link(try #require(LinkName(name)), kind, addresses: addresses)
    }

    static func good() throws -> (ServerFacts, ConversionRequest) {
        var facts = ServerFacts()
        facts.distribution = ServerFacts.Distribution(
            id: "centos",
            major: 9,
            prettyName: HostileText("CentOS Stream 9")
        )
        (facts.architecture, facts.kernel, facts.processOne, facts.hypervisor) = ("x86_64", "5.14", "systemd", "none")
        (facts.virtualization, facts.memory, facts.clock, facts.selinux) = (.usable, 16_000, now, "enforcing")
        facts.mounts = [
            ServerFacts.Mount(
                path: HostileText("/"),
                type: "xfs",
                isReadOnly: false,
                free: 20_000 * mib,
                freeInodes: 900_000
            ),
            ServerFacts.Mount(
                path: HostileText("/boot"),
                type: "xfs",
                isReadOnly: false,
                free: 500 * mib,
                freeInodes: nil
            ),
        ]
        facts.hostName = HostileText("server.example")
        (facts.ownAddresses, facts.hasReverseName, facts.engineAddresses) = ([address], true, ["192.0.2.1"])
        facts.links = [try link("lo", .device, ["127.0.0.1"]), try link("eth0", .device, [address])]
        facts.activeUnits = ["NetworkManager.service", "firewalld.service"]
        (facts.repositories, facts.smbiosUUID) = (
            [TCPEndpoint(host: "mirror.example", port: 443)].compactMap(\.self), id
        )
        facts.reachable = Set(facts.repositories + [TCPEndpoint(host: "engine.example", port: 443)].compactMap(\.self))
        return (facts, ConversionRequest(address: address, engine: try #require(engine), clock: now))
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var id: String
        var severity: PreflightFinding.Severity
        var words: String
        var change: @Sendable (inout ServerFacts, inout ConversionRequest) throws -> Void
        var testDescription: String { "\(id): \(words)" }

        init(
            _ id: String,
            _ severity: PreflightFinding.Severity,
            _ words: String,
            _ change: @escaping @Sendable (inout ServerFacts, inout ConversionRequest) throws -> Void
        ) {
            (self.id, self.severity, self.words, self.change) = (id, severity, words, change)
        }
    }

    static func distribution(_ id: String, _ major: Int?, variant: String = "") -> ServerFacts.Distribution {
        ServerFacts.Distribution(id: id, major: major, prettyName: HostileText("\(id) \(major ?? 0)"), variant: variant)
    }

    static let systemCases = [
        Case("distribution.unknown", .blocking, "does not say") { facts, _ in facts.distribution = nil },
        Case("distribution.image", .blocking, "oVirt Node image") { facts, _ in
            facts.distribution = distribution("centos", 9, variant: "ovirt-node")
        },
        Case("distribution.unsupported", .blocking, "ubuntu 24") { facts, _ in
            facts.distribution = distribution("ubuntu", 24)
        },
        Case("distribution.version", .blocking, "centos 7") { facts, _ in facts.distribution = distribution("centos", 7)
        },
        Case("distribution.version", .blocking, "debian 11") { facts, _ in
            facts.distribution = distribution("debian", 11)
        },
        Case("distribution.version", .blocking, "rocky 0") { facts, _ in facts.distribution = distribution("rocky", nil)
        },
        Case("distribution", .info, "almalinux 10") { facts, _ in facts.distribution = distribution("almalinux", 10) },
        Case("architecture", .blocking, "aarch64") { facts, _ in facts.architecture = "aarch64" },
        Case("init", .blocking, "not systemd") { facts, _ in facts.processOne = "busybox" },
        Case("container", .warning, "lxc") { facts, _ in facts.hypervisor = "lxc" },
        Case("tools", .blocking, "flock, awk") { facts, _ in facts.missingTools = ["flock", "awk"] },
        Case("cpu.virtualization.absent", .blocking, "vmx or svm") { facts, _ in facts.virtualization = .absent },
        Case("cpu.virtualization.absent", .warning, "nested") { facts, request in
            (facts.virtualization, facts.hypervisor, request.needsVirtualization) = (.absent, "kvm", false)
        },
        Case("cpu.virtualization.firmware", .blocking, "firmware") { facts, _ in
            facts.virtualization = .disabledInFirmware
        },
        Case("memory", .blocking, "1000 MiB") { facts, _ in facts.memory = 1000 },
        Case("memory", .warning, "3000 MiB") { facts, _ in facts.memory = 3000 },
        Case("memory.unknown", .warning, "memory") { facts, _ in facts.memory = nil },
        Case("disk.unknown", .blocking, "mounted") { facts, _ in facts.mounts = [] },
        Case("disk.space", .blocking, "/ has 100 MiB free") { facts, _ in facts.mounts[0].free = 100 * mib },
        Case("disk.space", .blocking, "/boot has 10 MiB free") { facts, _ in facts.mounts[1].free = 10 * mib },
        Case("disk.inodes", .blocking, "7 inodes") { facts, _ in facts.mounts[0].freeInodes = 7 },
        Case("mount.readonly", .blocking, "/ is mounted read-only") { facts, _ in facts.mounts[0].isReadOnly = true },
        Case("clock.unknown", .blocking, "clock") { facts, _ in facts.clock = nil },
        Case("clock.skew", .blocking, "10 years behind") { facts, _ in facts.clock = now - 10 * 31_536_000 },
        Case("clock.skew", .blocking, "ahead of") { facts, _ in facts.clock = .max },
        Case("clock.skew", .warning, "60 s behind") { facts, _ in facts.clock = now - 60 },
        Case("name.host", .warning, "localhost.localdomain") { facts, _ in
            facts.hostName = HostileText("localhost.localdomain")
        },
        Case("name.host", .warning, "\\u{1b}") { facts, _ in facts.hostName = HostileText("a\u{1b}[2J") },
        Case("name.forward", .warning, "does not resolve") { facts, _ in facts.ownAddresses = [] },
        Case("name.loopback", .warning, "127.0.1.1") { facts, _ in facts.ownAddresses = ["127.0.1.1"] },
        Case("name.reverse", .info, "no name") { facts, _ in facts.hasReverseName = false },
        Case("name.engine", .blocking, "engine.example") { facts, _ in facts.engineAddresses = [] },
        Case("engine.unreachable", .blocking, "engine.example:443") { facts, _ in
            facts.reachable.remove(try #require(TCPEndpoint(host: "engine.example", port: 443)))
        },
        Case("repository.engine", .blocking, "engine.example:80") { _, request in
            request.repository = ConversionRequest.Repository(url: "http://engine.example/rpm")
        },
        Case("repository.none", .blocking, "no package repository") { facts, _ in facts.repositories = [] },
        Case("repository.unreachable", .blocking, "mirror.example:443") { facts, _ in
            facts.reachable.remove(try #require(TCPEndpoint(host: "mirror.example", port: 443)))
        },
        Case("repository.unreachable", .warning, "other.example:80") { facts, _ in
            facts.repositories.append(try #require(TCPEndpoint(host: "other.example", port: 80)))
        },
        Case("selinux", .warning, "permissive") { facts, _ in facts.selinux = "permissive" },
        Case("selinux", .info, "enforcing") { _, _ in },
        Case("firewall", .info, "firewalld") { _, _ in },
        Case("firewall.double", .warning, "another firewall") { facts, _ in facts.activeUnits.insert("iptables.service")
        },
        Case("firewall.ufw", .warning, "ufw") { facts, _ in facts.activeUnits = ["ufw.service", "networking.service"] },
        Case("firewall.rules", .warning, "left alone") { facts, _ in
            (facts.activeUnits, facts.dropsInput) = (["networking.service"], true)
        },
        Case("firewall.none", .info, "no firewall") { facts, _ in facts.activeUnits = ["networking.service"] },
    ]

    static let otherCases = [
        Case("network.ifcfg", .warning, "network service") { facts, _ in facts.activeUnits = ["network.service"] },
        Case("network.ifcfg", .info, "ifcfg") { facts, _ in
            (facts.hasIfcfgFiles, facts.distribution) = (true, distribution("rhel", 8))
        },
        Case("network.tool", .warning, "nothing that is known") { facts, _ in facts.activeUnits = [] },
        Case("network.openvswitch", .warning, "br-int") { facts, _ in
            facts.links.append(try link("br-int", .openvswitch))
        },
        Case("network.bridges", .info, "virbr0") { facts, _ in facts.links.append(try link("virbr0", .bridge)) },
        Case("network.address", .warning, address) { facts, _ in facts.links = [] },
        Case("network.management", .info, "ovirtmgmt") { facts, _ in
            facts.links = [try link("ovirtmgmt", .bridge, [address])]
        },
        Case("network.bridge", .blocking, "br0") { facts, _ in facts.links = [try link("br0", .bridge, [address])] },
        Case("network.bridge", .blocking, "Open vSwitch") { facts, _ in
            facts.links = [try link("br-ex", .openvswitch, [address])]
        },
        Case("network.team", .blocking, "team0") { facts, _ in facts.links = [try link("team0", .team, [address])] },
        Case("network.bond", .blocking, "1 member,") { facts, _ in
            facts.links = [try link("bond0", .bond(members: [try #require(LinkName("eth0"))]), [address])]
        },
        Case("network.vlan", .blocking, "VLAN 5 (eth0.5)") { facts, _ in
            facts.links = [try link("eth0.5", .vlan(5, below: LinkName("eth0")), [address])]
        },
        Case("network.vlan", .blocking, "without a tag") { _, request in request.managementVLAN = 7 },
        Case("network.vlan-bond", .info, "VLAN 5 on the bond bond0") { facts, request in
            let members = [try #require(LinkName("eth0")), try #require(LinkName("eth1"))]
            facts.links = [
                try link("bond0", .bond(members: members)),
                try link("bond0.5", .vlan(5, below: LinkName("bond0")), [address]),
            ]
            request.managementVLAN = 5
        },
        Case("software.hypervisor", .blocking, "oVirt's agent (vdsm)") { facts, _ in facts.packages = ["vdsm"] },
        Case("software.containers", .warning, "Docker") { facts, _ in facts.packages = ["docker-ce", "docker.io"] },
        Case("guests.running", .blocking, "2 guests run") { facts, _ in facts.runningGuests = 2 },
        Case("packages.broken", .blocking, "half installed") { facts, _ in facts.hasBrokenPackages = true },
        Case("packages.busy", .blocking, "at work") { facts, _ in facts.isPackageManagerBusy = true },
        Case("packages.busy", .info, "at work") { facts, _ in
            (facts.isPackageManagerBusy, facts.earlier) = (true, .unfinished)
        },
        Case("packages.broken", .info, "half installed") { facts, _ in
            (facts.hasBrokenPackages, facts.earlier) = (true, .unfinished)
        },
        Case("reboot.pending", .warning, "reboot") { facts, _ in facts.needsReboot = true },
        Case("kdump.memory", .warning, "crashkernel") { _, request in request.wantsKdump = true },
        Case("files.names", .warning, "control characters") { facts, _ in facts.hasStrangeNames = true },
        Case("host.managed", .blocking, "of the host other") { _, request in
            request.knownIDs[try #require(id)] = "other"
        },
        Case("host.uuid", .info, "random") { facts, _ in
            facts.smbiosUUID = HardwareID("03000200-0400-0500-0006-000700080009")
        },
        Case("host.uuid", .info, "random") { facts, _ in facts.smbiosUUID = nil },
        Case("host.agent", .warning, "agent of Muster") { facts, _ in facts.agentHost = .random() },
        Case("host.engine", .blocking, "host of another engine, engine.example (CA abababababababab") {
            facts,
            request in
            facts.manager = .init(
                try #require(Nonce(hex: String(repeating: "ab", count: 32))),
                at: EngineAddress("engine.example")
            )
            request.engineFingerprint = Nonce(hex: String(repeating: "01", count: 32))
        },
        Case("host.engine", .warning, "taken over from another engine, whose address is not known") { facts, request in
            facts.manager = .init(try #require(Nonce(hex: String(repeating: "ab", count: 32))))
            (request.engineFingerprint, request.takesOver) = (Nonce(hex: String(repeating: "01", count: 32)), true)
        },
        Case("iscsi.initiator", .blocking, "of the host other") { facts, request in
            facts.initiator = HostileText("iqn.1994-05.com.example:1")
            request.knownInitiators["iqn.1994-05.com.example:1"] = "other"
        },
        Case("accounts.user", .blocking, "uid 36 is alice's") { facts, _ in
            facts.users = [ServerFacts.Account("alice", 36)]
        },
        Case("accounts.group", .warning, "gid 107 is ssl-cert's") { facts, _ in
            facts.groups = [ServerFacts.Account("ssl-cert", 107)]
        },
        Case("accounts.group", .warning, "kvm has gid 104") { facts, _ in
            facts.groups = [ServerFacts.Account("kvm", 104)]
        },
        Case("conversion.unfinished", .info, "goes on") { facts, _ in facts.earlier = .unfinished },
        Case("conversion.finished", .info, "is converted") { facts, _ in facts.earlier = .finished },
    ]

    @Test("each cause has its finding, with sentence and remedy", arguments: systemCases + otherCases)
    func finds(_ sample: Case) throws {
        var (facts, request) = try Self.good()
        let before = Set(Preflight(facts, request).report.findings)
        try sample.change(&facts, &request)
        let report = Preflight(facts, request).report
        let found = report.findings.filter {
            $0.id == sample.id && $0.severity == sample.severity && $0.sentence.contains(sample.words)
        }
        #expect(found.count == 1, "\(report.findings)")
        #expect(sample.severity == .info || found.first?.remedy.isEmpty == false)
        #expect(report.isBlocked == (sample.severity == .blocking))
        let more = report.findings.filter { !before.contains($0) && $0.severity != .info && $0.id != sample.id }
        #expect(more.isEmpty, "one cause has one finding: \(more)")
        #expect(report.json.contains("\"\(sample.id)\"") && report.table.contains(sample.id))
    }

    @Test("guests of the host that is repaired go on; those of another one, or of a server, forbid it")
    func knowsItsGuests() throws {
        var (facts, request) = try Self.good()
        let host = UniqueID.random()
        (facts.runningGuests, facts.agentHost, request.host) = (2, host, host)
        #expect(Preflight(facts, request).report.findings.first { $0.id == "guests.running" }?.severity == .warning)
        request.host = .random()
        #expect(Preflight(facts, request).report.blocking.map(\.id) == ["guests.running"])
        (facts.agentHost, request.host) = (nil, host)
        #expect(Preflight(facts, request).report.blocking.map(\.id) == ["guests.running"])
    }

    @Test("a good server has notes only; the table says so")
    func passes() throws {
        let (facts, request) = try Self.good()
        let report = Preflight(facts, request).report
        #expect(report.findings.allSatisfy { $0.severity == .info })
        #expect(report.table.hasSuffix("nothing forbids the conversion, 0 warnings, \(report.findings.count) notes\n"))
    }

    @Test("the worst stands first; the table is one line a finding and one a remedy; what the server says is escaped")
    func renders() throws {
        var (facts, request) = try Self.good()
        facts.distribution?.prettyName = HostileText("evil\u{1b}[2J\nblocking  x")
        (facts.memory, facts.processOne, request.managementVLAN) = (1000, "a\nb", nil)
        let report = Preflight(facts, request).report
        #expect(report.findings.map(\.severity) == report.findings.map(\.severity).sorted())
        let lines = report.table.split(separator: "\n")
        #expect(lines.count == 2 + report.findings.count + report.findings.count { !$0.remedy.isEmpty })
        #expect(!report.table.contains("\u{1b}") && !report.json.contains("\u{1b}"))
    }
}
