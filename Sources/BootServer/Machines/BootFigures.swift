package import HostModel
import NIOCore
import Synchronization

/// What a boot server has done since its start, and what is on its way now: for `muster boot status` and the metrics.
package final class BootFigures: Sendable {
    private let counters = Mutex(BootStatus.Counters())
    private let transfers = Mutex<[ObjectIdentifier: Transfer]>([:])

    package init() {}

    func count(_ change: (inout BootStatus.Counters) -> Void) { counters.withLock { change(&$0) } }

    /// What was counted until now.
    package var counted: BootStatus.Counters { counters.withLock(\.self) }

    /// A file on its way to a machine.
    final class Transfer: Sendable {
        fileprivate let address: IPAddress?
        fileprivate let mac: MACAddress?
        fileprivate let file: String
        fileprivate let way: String
        fileprivate let size: Int64
        fileprivate let begun = NIODeadline.now()
        private let done = Atomic<Int64>(0)

        fileprivate init(_ file: String, way: String, size: Int64, to address: IPAddress?, _ mac: MACAddress?) {
            (self.file, self.way, self.size, self.address, self.mac) = (file, way, size, address, mac)
        }

        /// Bytes that are with the machine, or with the kernel on their way.
        var bytes: Int64 {
            get { done.load(ordering: .relaxed) }
            set { done.store(newValue, ordering: .relaxed) }
        }
    }

    /// `way`: `tftp` or `http`. `end` takes it away.
    func begin(_ file: String, way: String, size: Int64, to address: IPAddress?, _ mac: MACAddress?) -> Transfer {
        let transfer = Transfer(file, way: way, size: size, to: address, mac)
        transfers.withLock { $0[ObjectIdentifier(transfer)] = transfer }
        return transfer
    }

    func end(_ transfer: Transfer) {
        transfers.withLock { $0[ObjectIdentifier(transfer)] = nil }
        let bytes = UInt64(max(0, transfer.bytes))
        count { counters in
            if transfer.way == "tftp" { counters.tftp_bytes += bytes } else { counters.http_bytes += bytes }
        }
    }

    /// At most `max`, those that began first, and how many there are.
    func running(max: Int) -> (shown: [BootStatus.Transfer], count: Int) {
        let all = transfers.withLock { Array($0.values) }
        let now = NIODeadline.now()
        let shown = all.sorted { $0.begun < $1.begun }.prefix(max).map { transfer in
            BootStatus.Transfer(
                address: transfer.address,
                mac: transfer.mac,
                file: transfer.file,
                way: transfer.way,
                bytes: transfer.bytes,
                size: transfer.size,
                milliseconds: (now - transfer.begun).nanoseconds / 1_000_000
            )
        }
        return (Array(shown), all.count)
    }
}
