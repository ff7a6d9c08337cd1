import ArgumentParser
import HostModel

struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Clusters: hosts that can stand in for one another.",
        subcommands: [
            SiteList<ClusterResource>.self, SiteShow<ClusterResource>.self, SiteAdd<ClusterResource>.self,
            SiteUpdate<ClusterResource>.self, SiteRemove<ClusterResource>.self, ClusterNetwork.self,
        ]
    )
}

struct ClusterFlags: SiteFlags {
    @Option(help: "A sentence for people.")
    var description: String?

    @Option(help: "A note for people.")
    var comment: String?

    @Option(name: .customLong("datacenter"), help: "Its data center; only a cluster without hosts changes it.")
    var dataCenter: String?

    @Option(help: ArgumentHelp("Compatibility level: 4.2 to 4.8.", valueName: "level"))
    var level: String?

    @Option(help: ArgumentHelp("A guest CPU model that every host must be able to run.", valueName: "model|any"))
    var cpu: String?

    @Option(help: ArgumentHelp("x86_64, aarch64 or ppc64; else the first host decides.", valueName: "name|undefined"))
    var architecture: String?

    @Flag(inversion: .prefixedNo, help: "Its hosts run guests.")
    var virt: Bool?

    @Flag(inversion: .prefixedNo, help: "Its hosts serve Gluster. Kept, not enforced yet.")
    var gluster: Bool?

    @Flag(inversion: .prefixedNo, help: "Every host must have a hardware source of randomness.")
    var hwrng: Bool?

    @Option(help: ArgumentHelp("Of guests on failing hosts. Kept, not enforced yet.", valueName: "policy"))
    var onError: String?

    @Option(help: ArgumentHelp("Where guests are put. Kept, not enforced yet.", valueName: "policy"))
    var schedulingPolicy: String?

    @Option(
        help: ArgumentHelp("Where guests' MAC addresses come from. Kept, not enforced yet.", valueName: "name|none")
    )
    var macPool: String?

    func order(name: String?) throws -> ClusterResource.Order {
        var order = ClusterResource.Order()
        (order.name, order.description, order.comment) = (name, description, comment)
        order.data_center = dataCenter.map { WireReference(name: $0) }
        order.version = try level.map(Self.version)
        if cpu != nil || architecture != nil {
            order.cpu = ClusterResource.Processor(architecture: architecture, type: cpu.map { $0 == "any" ? "" : $0 })
        }
        (order.virt_service, order.gluster_service) = (virt, gluster)
        order.required_rng_sources = hwrng.map {
            ClusterResource.RandomSources($0 ? ["urandom", "hwrng"] : ["urandom"])
        }
        order.error_handling = onError.map { ClusterResource.ErrorHandling(on_error: $0) }
        order.scheduling_policy = schedulingPolicy.map { WireReference(name: $0) }
        order.mac_pool = macPool.map { WireReference(name: $0 == "none" ? "" : $0) }
        return order
    }

    private static func version(_ level: String) throws -> ClusterResource.Version {
        let numbers = level.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else {
            throw ValidationError("Write --level as 4.7.")
        }
        return ClusterResource.Version(major: major, minor: minor)
    }
}

extension ClusterResource: SiteKind {
    typealias Flags = ClusterFlags
    static let words = (one: "cluster", many: "clusters")
    static let command = "cluster"
    static let header = ["NAME", "DATA CENTER", "HOSTS", "LEVEL", "CPU", "DESCRIPTION"]

    private var level: String { "\(version.major.value).\(version.minor.value)" }
    private var processor: String {
        let words = [cpu.architecture == "undefined" ? nil : cpu.architecture, cpu.type].compactMap(\.self)
        return words.isEmpty ? "any" : words.joined(separator: " ")
    }

    var row: [Cell] {
        [
            Cell(name), Cell(data_center.name), Cell(String(muster.hosts.value)), Cell(level), Cell(processor),
            Cell(description),
        ]
    }

    var details: [(name: String, value: Cell)] {
        let services = [virt_service ? "virt" : nil, gluster_service ? "gluster" : nil].compactMap(\.self)
        return [
            ("Name", Cell(name)), ("Id", Cell(id)), ("Data center", Cell(data_center.name)),
            ("Hosts", Cell(String(muster.hosts.value))), ("Level", Cell(level)), ("CPU", Cell(processor)),
            ("Services", Cell(services.joined(separator: ", "))),
            ("Random sources", Cell(required_rng_sources.required_rng_source.joined(separator: ", "))),
            ("Scheduling", Cell("\(scheduling_policy.name ?? "") (not enforced yet)")),
            ("On error", Cell("\(error_handling.on_error) (not enforced yet)")),
            ("Description", Cell(description)), ("Comment", Cell(comment)),
        ]
    }
}
