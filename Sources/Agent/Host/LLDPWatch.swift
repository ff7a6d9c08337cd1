import Glibc
package import HostModel
package import Logging
import NIOPosix
import Netlink
import Synchronization

/// Hears what switches say of themselves on this host's NICs (LLDP, received only), and keeps what holds. No lldpad is
/// needed, and nothing is sent.
package final class LLDPWatch: Sendable {
    private struct Neighbour: Sendable {
        var unit: LLDPDataUnit
        var heard: ContinuousClock.Instant
    }

    private struct Table: Sendable {
        /// By the link's kernel index and what the neighbour calls itself.
        var neighbours: [Int32: [[UInt8]: Neighbour]] = [:]
        var links: Set<Int32> = []
    }

    private let table = Mutex(Table())
    private let logger: Logger

    /// Neighbours of one NIC: anybody on the wire can make some up.
    private static let neighboursMax = 16
    /// How often new NICs are looked for.
    private static let pause = Duration.seconds(5)
    private static let waitMilliseconds: Int32 = 1000
    /// One that blocks in poll(2) most of its time.
    private static let thread: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        return pool
    }()

    package init(logger: Logger) { self.logger = logger }

    /// Listens until it is cancelled; without the right to it says so once and ends.
    package func run() async {
        let isOver = Atomic(false)
        await withTaskCancellationHandler {
            try? await Self.thread.runIfActive { self.listen { isOver.load(ordering: .relaxed) } }
        } onCancel: {
            isOver.store(true, ordering: .relaxed)
        }
    }

    private func listen(isOver: () -> Bool) {
        do throws(NetlinkError) {
            var socket = try LLDPSocket()
            var looked: ContinuousClock.Instant?
            while !isOver() {
                if looked.map({ $0.duration(to: .now) >= Self.pause }) ?? true {
                    looked = .now
                    let links = Self.nics
                    socket.listen(on: links)
                    table.withLock { table in
                        table.links = links
                        table.neighbours = table.neighbours.filter { links.contains($0.key) }
                    }
                }
                if let (link, payload) = socket.receive(milliseconds: Self.waitMilliseconds) {
                    take(payload, from: link)
                }
            }
        } catch {
            logger.warning("switches are not heard: \(error)")
        }
    }

    private static var nics: Set<Int32> {
        let nics = LinkInventory().links().filter { $0.kind == .ethernet }
        return Set(nics.map { Int32(bitPattern: if_nametoindex($0.name.rawValue)) }.filter { $0 > 0 })
    }

    /// A frame of a neighbour; what is none is left out.
    func take(_ payload: [UInt8], from link: Int32) {
        guard let unit = try? LLDPDataUnit(payload) else { return }
        table.withLock { table in
            var known = table.neighbours[link, default: [:]].filter { Self.holds($0.value) }
            known[unit.sender] = unit.timeToLive > 0 ? Neighbour(unit: unit, heard: .now) : nil
            while known.count > Self.neighboursMax, let oldest = known.min(by: { $0.value.heard < $1.value.heard }) {
                known[oldest.key] = nil
            }
            table.neighbours[link] = known
        }
    }

    private static func holds(_ neighbour: Neighbour) -> Bool {
        neighbour.heard.duration(to: .now) < .seconds(neighbour.unit.timeToLive)
    }

    /// By NIC, of all or of these.
    package func report(_ names: Set<String>? = nil) -> [String: LLDPReport] {
        let (links, neighbours) = table.withLock { ($0.links, $0.neighbours) }
        var report: [String: LLDPReport] = [:]
        for link in links.union(neighbours.keys) {
            guard let name = Self.name(of: link), names?.contains(name) ?? true else { continue }
            let holding = (neighbours[link] ?? [:]).values.filter { Self.holds($0) }
            let last = holding.max { $0.heard < $1.heard }
            report[name] = LLDPReport(enabled: true, tlvs: last?.unit.elements ?? [])
        }
        return report
    }

    private static func name(of link: Int32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { buffer in
            if_indextoname(UInt32(bitPattern: link), buffer.baseAddress).map { String(cString: $0) }
        }
    }
}
