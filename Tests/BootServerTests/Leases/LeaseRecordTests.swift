import BootWire
import HostModel
import Testing

@testable import BootServer

@Suite struct LeaseRecordTests {
    static func mac(_ number: UInt8) throws -> MACAddress {
        try #require(MACAddress(octets: [0x52, 0x54, 0, 0, 0, number]))
    }

    static func lease(_ number: UInt8, _ state: Lease.State = .bound, expiry: Duration = .seconds(3600)) throws -> Lease
    {
        let mac = try mac(number)
        return Lease(
            address: IPv4Address(rawValue: 0x0A4D_0000 | UInt32(number)),
            client: LeaseClient(key: number.isMultiple(of: 2) ? .identifier([255, number]) : .hardware(mac), mac: mac),
            state: state,
            expiry: expiry
        )
    }

    @Test func isALineThatAPersonCanRead() throws {
        let record = LeaseRecord(try Self.lease(10), now: .zero, wall: 1_795_400_000)
        #expect(record.line.dropFirst(9) == "1 bound 10.77.0.10 52:54:00:00:00:0a id:ff0a 1795403600 3600\n")
    }

    @Test("CRC-32 of the standard's check text") func checks() {
        #expect(CRC32.checksum("123456789".utf8) == 0xCBF4_3926)
        #expect(CRC32.checksum([]) == 0)
    }

    @Test(arguments: [Lease.State.bound, .released, .quarantined], [UInt8(1), 2])
    func roundTrips(state: Lease.State, number: UInt8) throws {
        let lease = try Self.lease(number, state)
        let record = LeaseRecord(lease, now: .zero, wall: 1000)
        let read = try #require(LeaseRecord(line: String(record.line.dropLast())))
        #expect(read == record)
        #expect(read.lease(now: .zero, wall: 1000) == lease)
        #expect(read.lease(now: .seconds(7), wall: 1600).expiry == .seconds(3007))
    }

    @Test("D31: a wall clock that jumps neither lengthens a lease nor makes its time negative")
    func survivesClockJumps() throws {
        let record = LeaseRecord(try Self.lease(1), now: .zero, wall: 1_000_000)
        #expect(record.lease(now: .seconds(5), wall: 1_000_000 - 86_400).expiry == .seconds(3605))
        #expect(!record.lease(now: .seconds(5), wall: 1_000_000 + 86_400).isActive(at: .seconds(5)))
        let ended = LeaseRecord(try Self.lease(1), now: .seconds(9000), wall: 1_000_000)
        #expect(ended.span == 0)
        #expect(!ended.lease(now: .zero, wall: 1_000_000).isActive(at: .zero))
    }

    static func journal() throws -> [UInt8] {
        try (1...6).flatMap { LeaseRecord(try lease($0), now: .zero, wall: 1000).line.utf8 }
    }

    @Test("D30: a journal that was cut anywhere gives its whole lines")
    func survivesTruncation() throws {
        let journal = try Self.journal()
        let ends = journal.indices.filter { journal[$0] == UInt8(ascii: "\n") }
        for length in 0...journal.count {
            let (records, damaged) = LeaseRecord.records(in: Array(journal.prefix(length)))
            // A line of which only the end is missing is whole.
            let whole = ends.filter { $0 <= length }.count
            #expect(records.count == whole)
            #expect(damaged <= 1)
            #expect(records.map(\.address.rawValue) == (0..<whole).map { 0x0A4D_0001 + UInt32($0) })
        }
    }

    @Test("a flipped byte costs the line that it is in, or two when it was the line's end")
    func survivesFlips() throws {
        let journal = try Self.journal()
        let good = Set(LeaseRecord.records(in: journal).records)
        for index in journal.indices {
            for mask: UInt8 in [1, 2, 0x20, 0x80, 0xFF] {
                var bytes = journal
                bytes[index] ^= mask
                let (records, damaged) = LeaseRecord.records(in: bytes)
                #expect(good.isSuperset(of: records), "no lease is invented")
                #expect(records.count >= 4)
                #expect(damaged >= 1 || journal[index] == UInt8(ascii: "\n"))
            }
        }
    }

    @Test(arguments: ["", " ", "00000000 ", "zzzzzzzz 1 bound 10.77.0.1 52:54:00:00:00:01 hw 1 1"])
    func refuses(line: String) { #expect(LeaseRecord(line: line) == nil) }

    @Test(
        "a line with a good checksum and a wrong word is refused",
        arguments: [
            "2 bound 10.77.0.1 52:54:00:00:00:01 hw 1 1", "1 offered2 10.77.0.1 52:54:00:00:00:01 hw 1 1",
            "1 bound 10.77.0 52:54:00:00:00:01 hw 1 1", "1 bound 10.77.0.1 52:54 hw 1 1",
            "1 bound 10.77.0.1 52:54:00:00:00:01 id:f 1 1", "1 bound 10.77.0.1 52:54:00:00:00:01 id:+f 1 1",
            "1 bound 10.77.0.1 52:54:00:00:00:01 hw -1 1",
            "1 bound 10.77.0.1 52:54:00:00:00:01 hw 9223372036854775807 1",
            "1 bound 10.77.0.1 52:54:00:00:00:01 hw 1", "1 bound 10.77.0.1 52:54:00:00:00:01 hw 1 1 1",
        ]
    )
    func refuses(body: String) {
        let sum = String(CRC32.checksum(body.utf8), radix: 16)
        let line = String(repeating: "0", count: 8 - sum.count) + sum + " " + body
        #expect(LeaseRecord(line: line) == nil)
    }
}
