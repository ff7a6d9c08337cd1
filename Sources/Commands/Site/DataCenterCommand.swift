import ArgumentParser
import HostModel

struct DataCenterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "datacenter",
        abstract: "Data centers: containers of clusters and networks.",
        subcommands: [
            SiteList<DataCenterResource>.self, SiteShow<DataCenterResource>.self, SiteAdd<DataCenterResource>.self,
            SiteUpdate<DataCenterResource>.self, SiteRemove<DataCenterResource>.self,
        ],
        aliases: ["dc"]
    )
}

struct DataCenterFlags: SiteFlags {
    @Option(help: "A sentence for people.")
    var description: String?

    @Option(help: "A note for people.")
    var comment: String?

    @Option(help: ArgumentHelp("How many hosts its clusters may have together; 200 at first.", valueName: "number"))
    var hostsMax: Int?

    @Option(help: ArgumentHelp("Where guests' MAC addresses come from.", valueName: "name|none"))
    var macPool: String?

    func order(name: String?) -> DataCenterResource.Order {
        var order = DataCenterResource.Order()
        (order.name, order.description, order.comment) = (name, description, comment)
        order.mac_pool = macPool.map { WireReference(name: $0 == "none" ? "" : $0) }
        order.muster = hostsMax.map { DataCenterResource.Limits(hosts_max: $0) }
        return order
    }
}

extension DataCenterResource: SiteKind {
    typealias Flags = DataCenterFlags
    static let words = (one: "data center", many: "data centers")
    static let command = "datacenter"
    static let header = ["NAME", "STATUS", "HOSTS", "DESCRIPTION"]

    private var room: String { "\(muster.hosts.value) of at most \(muster.hosts_max.value)" }

    var row: [Cell] { [Cell(name), Cell(status), Cell(room), Cell(description)] }

    var details: [(name: String, value: Cell)] {
        [
            ("Name", Cell(name)), ("Id", Cell(id)), ("Status", Cell(status)), ("Hosts", Cell(room)),
            ("Description", Cell(description)), ("Comment", Cell(comment)),
        ]
    }
}
