import ArgumentParser
import HostModel

struct TagCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Tags: words that hosts carry, to be searched by.",
        subcommands: [
            SiteList<TagResource>.self, SiteShow<TagResource>.self, SiteAdd<TagResource>.self,
            SiteUpdate<TagResource>.self, SiteRemove<TagResource>.self, SiteAttach<TagResource>.self,
            SiteDetach<TagResource>.self,
        ]
    )
}

struct TagFlags: SiteFlags {
    @Option(help: "A sentence for people.")
    var description: String?

    @Option(help: ArgumentHelp("The tag above it; root at first.", valueName: "tag"))
    var parent: String?

    func order(name: String?) -> TagResource.Order {
        var order = TagResource.Order()
        (order.name, order.description) = (name, description)
        order.parent = parent.map { WireReference(name: $0) }
        return order
    }
}

extension TagResource: HostMarkKind {
    typealias Flags = TagFlags
    static let words = (one: "tag", many: "tags")
    static let command = "tag"
    static let header = ["NAME", "PARENT", "DESCRIPTION"]

    var row: [Cell] { [Cell(name), Cell(parent?.name), Cell(description)] }

    var details: [(name: String, value: Cell)] {
        [
            ("Name", Cell(name)), ("Id", Cell(id)), ("Parent", Cell(parent?.name)), ("Description", Cell(description)),
        ]
    }
}

struct AffinityLabelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "affinity-label",
        abstract: "Affinity labels: hosts and guests that belong together. Kept, not enforced yet.",
        subcommands: [
            SiteList<AffinityLabelResource>.self, SiteShow<AffinityLabelResource>.self,
            SiteAdd<AffinityLabelResource>.self, SiteUpdate<AffinityLabelResource>.self,
            SiteRemove<AffinityLabelResource>.self, SiteAttach<AffinityLabelResource>.self,
            SiteDetach<AffinityLabelResource>.self,
        ]
    )
}

struct AffinityLabelFlags: SiteFlags {
    @Option(help: "A sentence for people.")
    var description: String?

    @Flag(inversion: .prefixedNo, help: "It also is a group of affinity.")
    var implicitGroup: Bool?

    func order(name: String?) -> AffinityLabelResource.Order {
        var order = AffinityLabelResource.Order()
        (order.name, order.description, order.has_implicit_affinity_group) = (name, description, implicitGroup)
        return order
    }
}

extension AffinityLabelResource: HostMarkKind {
    typealias Flags = AffinityLabelFlags
    static let words = (one: "affinity label", many: "affinity labels")
    static let command = "affinity-label"
    static let header = ["NAME", "HOSTS", "DESCRIPTION"]

    var row: [Cell] { [Cell(name), Cell(String(hosts.host.count)), Cell(description)] }

    var details: [(name: String, value: Cell)] {
        [
            ("Name", Cell(name)), ("Id", Cell(id)),
            ("Hosts", Cell(hosts.host.compactMap(\.name).joined(separator: ", "))),
            ("Implicit group", Cell(has_implicit_affinity_group ? "yes" : "no")), ("Description", Cell(description)),
        ]
    }
}

struct MACPoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mac-pool",
        abstract: "MAC pools: where guests' MAC addresses come from. Kept, not enforced yet.",
        subcommands: [
            SiteList<MACPoolResource>.self, SiteShow<MACPoolResource>.self, SiteAdd<MACPoolResource>.self,
            SiteUpdate<MACPoolResource>.self, SiteRemove<MACPoolResource>.self,
        ]
    )
}

struct MACPoolFlags: SiteFlags {
    @Option(help: "A sentence for people.")
    var description: String?

    @Flag(inversion: .prefixedNo, help: "Two guests may have the same address.")
    var duplicates: Bool?

    @Option(
        name: .customLong("range"),
        help: ArgumentHelp("Addresses; may be given several times, and then replaces all.", valueName: "first/last")
    )
    var ranges: [String] = []

    func order(name: String?) throws -> MACPoolResource.Order {
        var order = MACPoolResource.Order()
        (order.name, order.description, order.allow_duplicates) = (name, description, duplicates)
        let wanted = try ranges.map { text in
            let ends = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard ends.count == 2 else {
                throw ValidationError("Write --range as 56:6f:00:00:00:00/56:6f:00:00:ff:ff.")
            }
            return MACPoolResource.Range(from: ends[0], to: ends[1])
        }
        order.ranges = wanted.isEmpty ? nil : MACPoolResource.Ranges(wanted)
        return order
    }
}

extension MACPoolResource: SiteKind {
    typealias Flags = MACPoolFlags
    static let words = (one: "MAC pool", many: "MAC pools")
    static let command = "mac-pool"
    static let header = ["NAME", "RANGES", "DESCRIPTION"]

    private var text: String { ranges.range.map { "\($0.from)/\($0.to)" }.joined(separator: ", ") }

    var row: [Cell] { [Cell(name), Cell(text), Cell(description)] }

    var details: [(name: String, value: Cell)] {
        [
            ("Name", Cell(name)), ("Id", Cell(id)), ("Default", Cell(default_pool ? "yes" : "no")),
            ("Ranges", Cell(text)), ("Duplicates", Cell(allow_duplicates ? "yes" : "no")),
            ("Description", Cell(description)),
        ]
    }
}
