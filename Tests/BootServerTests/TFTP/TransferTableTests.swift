import HostModel
import NIOCore
import Synchronization
import Testing

@testable import BootServer

@Suite struct TransferTableTests {
    private func client(_ last: UInt32, _ port: Int) -> TransferTable.Client {
        TransferTable.Client(address: .v4(HostModel.IPv4Address(rawValue: 0x0A4D_0000 | last)), port: port)
    }

    private func id(_ admission: TransferTable.Admission) -> UInt64? {
        if case .admitted(let id) = admission { id } else { nil }
    }

    private let request = ByteBuffer(string: "a")

    @Test("T33: so many transfers, and no more of one address")
    func boundsAllAndEach() throws {
        let table = TransferTable(limit: 3, limitPerSource: 2)
        let first = try #require(id(table.admit(client(1, 1), request: request)))
        let second = try #require(id(table.admit(client(1, 2), request: request)))
        table.acknowledged(client(1, 1), id: first)
        table.acknowledged(client(1, 2), id: second)
        #expect(id(table.admit(client(1, 3), request: request)) == nil, "two for one source")
        let third = try #require(id(table.admit(client(2, 1), request: request)))
        table.acknowledged(client(2, 1), id: third)
        #expect(id(table.admit(client(3, 1), request: request)) == nil, "three for all")
        table.ended(client(1, 1), id: first)
        table.ended(client(1, 1), id: first)
        #expect(table.count == 2)
        #expect(id(table.admit(client(1, 3), request: request)) != nil)
    }

    @Test("T34: who never acknowledged makes room for the newest: first the oldest, and of a full source only its own")
    func evicts() throws {
        let table = TransferTable(limit: 4, limitPerSource: 2)
        let stopped = Mutex<[String]>([])
        func begin(_ last: UInt32, _ port: Int) throws -> UInt64 {
            let new = try #require(id(table.admit(client(last, port), request: request)))
            table.began(client(last, port), id: new, running { stopped.withLock { $0.append("\(last):\(port)") } })
            return new
        }
        let kept = try begin(1, 1)
        table.acknowledged(client(1, 1), id: kept)
        _ = try begin(2, 1)
        _ = try begin(2, 2)
        _ = try begin(2, 3)
        #expect(stopped.withLock { $0 } == ["2:1"], "its own share")
        _ = try begin(3, 1)
        _ = try begin(4, 1)
        #expect(stopped.withLock { $0 } == ["2:1", "2:2"], "the oldest of all")
        #expect(table.count == 4)
        for port in 1...100 { _ = try begin(UInt32(port), 1000 + port) }
        #expect(table.count == 4)
        #expect(!stopped.withLock { $0.contains("1:1") }, "who acknowledged stays")
    }

    @Test("T22, T23: the same request again is nothing new; another takes its place")
    func replaces() throws {
        let table = TransferTable(limit: 3, limitPerSource: 1)
        let stopped = Mutex(0)
        let first = try #require(id(table.admit(client(1, 1), request: request)))
        table.began(client(1, 1), id: first, running { stopped.withLock { $0 += 1 } })
        #expect(id(table.admit(client(1, 1), request: request)) == nil)
        let second = try #require(id(table.admit(client(1, 1), request: ByteBuffer(string: "b"))))
        #expect(stopped.withLock { $0 } == 1)
        table.ended(client(1, 1), id: first)
        #expect(table.count == 1, "the old one's end is not the new one's")
        // One that the client has answered is over when it asks again.
        table.acknowledged(client(1, 1), id: second)
        #expect(id(table.admit(client(1, 1), request: ByteBuffer(string: "b"))) != nil)
    }

    @Test("a transfer that was replaced before it began is stopped at once")
    func stopsLateBeginners() throws {
        let table = TransferTable(limit: 3, limitPerSource: 1)
        let stopped = Mutex(0)
        let first = try #require(id(table.admit(client(1, 1), request: request)))
        _ = table.admit(client(1, 1), request: ByteBuffer(string: "b"))
        table.began(client(1, 1), id: first, running { stopped.withLock { $0 += 1 } })
        #expect(stopped.withLock { $0 } == 1)
    }

    private func running(_ stop: @escaping @Sendable () -> Void) -> TFTPTransferLoop.Running {
        TFTPTransferLoop.Running(stop: stop, take: { _ in })
    }
}
