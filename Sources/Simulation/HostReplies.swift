import AgentWire
import HostModel
import NIOCore

/// What the simulated agents answer: written once, as JSON, and sent to every caller.
struct HostReplies: Sendable {
    /// Network cards and processors of a simulated host.
    static let cards = 8
    static let processors = 32
    /// Statistics that take turns, so that an engine does not see the same ones twice in a row.
    private static let statisticsKinds = 16

    private let statistics: [ByteBuffer]
    private let hardware: ByteBuffer
    static let yes = ByteBuffer(string: "true")
    static let none = ByteBuffer(string: "{}")

    init() throws {
        statistics = try (0..<Self.statisticsKinds).map { try JSONText.encode(Self.statistics(seed: $0)) }
        hardware = try JSONText.encode(HardwareInformation())
    }

    /// The `result` of a call that changes nothing; `nil` for a verb that the simulator does not know.
    func result(of verb: HostVerb, call number: Int) -> ByteBuffer? {
        switch verb {
        case .ping, .ping2, .confirmConnectivity, .setSafeNetworkConfig, .echo, .setMOMPolicyParameters: Self.yes
        case .getStats: statistics[number % Self.statisticsKinds]
        case .getHardwareInfo: hardware
        case .getVMList, .getVMFullList, .getAllVmStats: ByteBuffer(string: "[]")
        case .hostdevListByCaps, .getAllTasksStatuses, .getAllTasksInfo, .dumpxmls, .getLldp: Self.none
        default: nil
        }
    }

    /// About 8 KB, as a host of eight cards and 32 processors sends it.
    private static func statistics(seed: Int) -> HostStatistics {
        var report = HostStatistics()
        for processor in 0..<processors {
            report.cpuStatistics["\(processor)"] = .init(
                cpuUser: "\(seed).\(10 + processor)",
                cpuSys: "1.\(10 + seed)",
                cpuIdle: "\(90 - seed).50",
                nodeIndex: processor / 16
            )
        }
        for card in 0..<cards {
            var counters = HostStatistics.LinkCounters(
                name: "eth\(card)",
                state: "up",
                speed: "10000",
                duplex: "full",
                sampleTime: Double(1_700_000_000 + seed)
            )
            (counters.rx, counters.tx) = ("\(4_294_967_296 + seed * 1000 + card)", "\(8_589_934_592 + seed * 1000)")
            report.network[counters.name] = counters
        }
        report.hugepages["2048"] = .init(nr_hugepages: 512, free_hugepages: 500 + seed % 12)
        (report.memFree, report.memUsed) = (200_000 + seed, "\(20 + seed)")
        return report
    }

    /// The capabilities of one host, with `ovirtmgmt` or without.
    static func capabilities(
        address: IPv4Address,
        mac: String,
        uuid: String,
        isManaged: Bool,
        networks: SimulatedNetworks? = nil
    ) throws -> ByteBuffer {
        var host = HostCapabilities()
        var place = AddressReport()
        (place.addr, place.netmask) = ("\(address)", "255.0.0.0")
        place.ipv4addrs = ["\(address)/8"]
        for card in 0..<cards {
            let own = card == 0 && !isManaged ? place : AddressReport()
            host.nics["eth\(card)"] = NICReport(
                hwaddr: card == 0 ? mac : "02:00:00:00:00:0\(card)",
                speed: 10_000,
                address: own
            )
        }
        if isManaged {
            host.networks["ovirtmgmt"] = NetworkReport(
                iface: "ovirtmgmt",
                bridged: true,
                southbound: "eth0",
                ports: ["eth0"],
                address: place
            )
            host.bridges["ovirtmgmt"] = BridgeReport(ports: ["eth0"], stp: "off", opts: [:], address: place)
        }
        (host.lastClientIface, host.kvmEnabled, host.uuid) = (isManaged ? "ovirtmgmt" : "eth0", "true", uuid)
        (host.cpuModel, host.memSize, host.cpuThreads) = ("Simulated processor", "262144", "\(processors)")
        (host.cpuCores, host.cpuSockets) = ("\(processors / 2)", "2")
        (host.cpuFlags, host.rngSources) = ("lm,nx,sse2,svm,model_qemu64,model_kvm64", ["random"])
        (host.supportedENGINEs, host.clusterLevels) = (["4.4", "4.5"], ["4.6", "4.7"])
        host.selinux = .init(mode: "1")
        networks?.add(to: &host)
        host.onlineCpus = (0..<processors).map(String.init).joined(separator: ",")
        return try JSONText.encode(host)
    }
}
