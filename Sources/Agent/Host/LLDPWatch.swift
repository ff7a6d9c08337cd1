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

    /// A NIC as it was at the last look.
    struct NIC: Sendable {
        var name: String
        /// It has a carrier, and is listened on.
        var isHeard: Bool
    }

    private struct Table: Sendable {
        /// By the link's kernel index and what the neighbour calls itself.
        var neighbours: [Int32: [[UInt8]: Neighbour]] = [:]
        /// By kernel index.
        var nics: [Int32: NIC] = [:]
    }

    private let table = Mutex(Table())
    private let logger: Logger

    /// Neighbours of one NIC: anybody on the wire can make some up.
    private static let neighboursMax = 16
    /// NICs that are listened on; a socket each.
    private static let nicsMax = 256
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
            var sockets = LLDPSockets()
            var looked: ContinuousClock.Instant?
            while !isOver() {
                if looked.map({ $0.duration(to: .now) >= Self.pause }) ?? true {
                    looked = .now
                    var nics = Self.nics
                    try sockets.listen(on: Set(nics.filter(\.value.isHeard).keys.sorted().prefix(Self.nicsMax)))
                    for link in Set(nics.keys).subtracting(sockets.links) { nics[link]?.isHeard = false }
                    look(nics)
                }
                if let (link, payload) = sockets.receive(milliseconds: Self.waitMilliseconds) {
                    take(payload, from: link)
                }
            }
        } catch {
            logger.warning("switches are not heard: \(error)")
        }
    }

    private static var nics: [Int32: NIC] {
        let nics = LinkInventory().links().filter { $0.kind == .ethernet }
        let indexed = nics.map { nic in
            (
                Int32(bitPattern: if_nametoindex(nic.name.rawValue)),
                NIC(name: nic.name.rawValue, isHeard: nic.hasCarrier)
            )
        }
        return Dictionary(indexed.filter { $0.0 > 0 }) { first, _ in first }
    }

    /// The NICs that there are now, by kernel index. What was said on one that is no longer heard is forgotten.
    func look(_ nics: [Int32: NIC]) {
        table.withLock { table in
            table.nics = nics
            table.neighbours = table.neighbours.filter { nics[$0.key]?.isHeard ?? false }
        }
    }

    /// A frame of a neighbour; what is none, or of no NIC that is heard, is left out.
    func take(_ payload: [UInt8], from link: Int32) {
        guard let unit = try? LLDPDataUnit(payload) else { return }
        table.withLock { table in
            guard table.nics[link]?.isHeard ?? false else { return }
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

    /// By NIC, of all or of these; each that is asked for has an entry, as it has with VDSM.
    package func report(_ names: Set<String>? = nil) -> [String: LLDPReport] {
        let table = table.withLock { $0 }
        var report: [String: LLDPReport] = [:]
        for name in names ?? [] { report[name] = LLDPReport(enabled: false) }
        for (link, nic) in table.nics where names?.contains(nic.name) ?? true {
            let holding = (table.neighbours[link] ?? [:]).values.filter { Self.holds($0) }
            let last = holding.max { $0.heard < $1.heard }
            report[nic.name] = LLDPReport(enabled: nic.isHeard, tlvs: last?.unit.elements ?? [])
        }
        return report
    }
}
