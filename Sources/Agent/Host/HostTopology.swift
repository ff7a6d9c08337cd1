import AgentWire
import Glibc
import HostModel
import SystemPackage

/// The NUMA nodes of this machine, as sysfs shows them (Documentation/ABI/stable/sysfs-devices-node). A kernel without NUMA
/// has no such folder: then everything is one node, 0.
struct HostTopology: Sendable {
    struct Node: Hashable, Sendable {
        var id: Int
        var cpus: [Int]
        /// Mebibytes.
        var total: Int
        var free: Int
        /// To each node in the order of their numbers; 10 is itself.
        var distances: [Int]
        /// Pages by size in KiB.
        var hugePages: [Int: Int]
    }

    let nodes: [Node]
    /// Sizes that the kernel offers, in KiB.
    let hugePageSizes: [Int]
    private let nodeOfCPU: [Int: Int]

    private static let folder = "sys/devices/system/node"
    private static let pagesFolder = "sys/kernel/mm/hugepages"

    init(_ inventory: HostInventory) {
        let ids = Self.numbers(behind: "node", in: inventory.names(Self.folder))
        nodes = ids.map { Self.node($0, inventory) }
        hugePageSizes = Self.pageSizes(inventory.names(Self.pagesFolder))
        nodeOfCPU = Dictionary(nodes.flatMap { node in node.cpus.map { ($0, node.id) } }) { first, _ in first }
    }

    func node(of cpu: Int) -> Int { nodeOfCPU[cpu] ?? 0 }

    private static func node(_ id: Int, _ inventory: HostInventory) -> Node {
        let folder = "\(folder)/node\(id)"
        let memory = MemoryInformation(nodeMeminfo: inventory.text("\(folder)/meminfo"))
        var pages: [Int: Int] = [:]
        for size in pageSizes(inventory.names("\(folder)/hugepages")) {
            let count = inventory.line("\(folder)/hugepages/hugepages-\(size)kB/nr_hugepages")
            pages[size] = count.flatMap { Int($0) } ?? 0
        }
        return Node(
            id: id,
            cpus: cpuList(inventory.line("\(folder)/cpulist") ?? ""),
            total: memory.mebibytes("MemTotal"),
            free: memory.mebibytes("MemFree"),
            distances: (inventory.line("\(folder)/distance") ?? "").split(separator: " ").compactMap { Int($0) },
            hugePages: pages
        )
    }

    /// How many huge pages of each size the host has and has left, by size in kibibytes.
    static func hugePages(_ inventory: HostInventory) -> [Int: (total: Int, free: Int)] {
        let sizes = pageSizes(inventory.names(pagesFolder))
        func count(_ size: Int, _ file: String) -> Int {
            inventory.line("\(pagesFolder)/hugepages-\(size)kB/\(file)").flatMap { Int($0) } ?? 0
        }
        let pages = sizes.map { ($0, (total: count($0, "nr_hugepages"), free: count($0, "free_hugepages"))) }
        return Dictionary(pages) { first, _ in first }
    }

    /// `hugepages-2048kB`
    private static func pageSizes(_ names: [String]) -> [Int] {
        names.compactMap { name in
            guard name.hasPrefix("hugepages-"), name.hasSuffix("kB") else { return nil }
            return Int(name.dropFirst(10).dropLast(2))
        }.sorted()
    }

    private static func numbers(behind prefix: String, in names: [String]) -> [Int] {
        names.compactMap { $0.hasPrefix(prefix) ? Int($0.dropFirst(prefix.count)) : nil }.sorted()
    }

    /// The kernel's lists: `0-3,8,10-11`. More CPUs than Linux can have are not believed.
    static func cpuList(_ text: some StringProtocol) -> [Int] {
        let most = 8192
        var cpus: [Int] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, (0...last).contains(first), last < most,
                cpus.count < most
            else { continue }
            cpus += first...last
        }
        return cpus
    }
}
