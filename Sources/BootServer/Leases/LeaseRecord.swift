import BootWire
import HostModel

/// One line of the journal: the whole state of one address, so that the last good line of an address is its lease.
///
/// `CRC 1 STATE ADDRESS MAC KEY EXPIRY SPAN`, for example
/// `5d1f7a20 1 bound 10.77.0.10 52:54:00:12:34:56 hw 1795400000 3600`. EXPIRY is seconds since 1970, SPAN the seconds that
/// were left when the line was written, KEY `hw` or `id:` and option 61 in hex.
struct LeaseRecord: Hashable {
    var address: IPv4Address
    var client: LeaseClient
    var state: Lease.State
    var expiry: Int64
    var span: Int64

    private static let version: Substring = "1"
    /// The year 36812: what is later is no time of ours.
    private static let timeMax: Int64 = 1 << 40

    /// `wall` is seconds since 1970.
    init(_ lease: Lease, now: Duration, wall: Int64) {
        (address, client, state) = (lease.address, lease.client, lease.state)
        span = max(0, (lease.expiry - now).components.seconds)
        expiry = wall + span
    }

    /// The lease on this process's clock. A wall clock that was set back does not lengthen it.
    func lease(now: Duration, wall: Int64) -> Lease {
        Lease(address: address, client: client, state: state, expiry: now + .seconds(min(expiry - wall, span)))
    }

    var line: String {
        let key =
            switch client.key {
            case .hardware: "hw"
            case .identifier(let bytes): "id:" + bytes.map { Self.hex(UInt32($0), digits: 2) }.joined()
            }
        let body = "\(Self.version) \(state.rawValue) \(address) \(client.mac) \(key) \(expiry) \(span)"
        return "\(Self.hex(CRC32.checksum(body.utf8), digits: 8)) \(body)\n"
    }

    /// `nil` unless every character is as it was written. Without the line's end.
    init?(line: String) {
        let halves = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, Self.hex(CRC32.checksum(halves[1].utf8), digits: 8) == halves[0] else { return nil }
        let words = halves[1].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 7, words[0] == Self.version, let state = Lease.State(rawValue: String(words[1])),
            let address = IPv4Address(words[2]), let mac = MACAddress(words[3]),
            let key = Self.key(words[4], mac: mac), let expiry = Int64(words[5]), let span = Int64(words[6]),
            (0...Self.timeMax).contains(expiry), (0...Self.timeMax).contains(span)
        else { return nil }
        (self.address, self.state, self.expiry, self.span) = (address, state, expiry, span)
        client = LeaseClient(key: key, mac: mac)
    }

    private static func key(_ text: Substring, mac: MACAddress) -> ClientKey? {
        if text == "hw" { return .hardware(mac) }
        guard text.hasPrefix("id:") else { return nil }
        let digits = text.dropFirst(3).map(\.hexDigitValue)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[start], let low = digits[start + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return .identifier(bytes)
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}

extension LeaseRecord {
    /// The good lines of a journal in their order, and how many others there were. A torn last line counts as one.
    static func records(in journal: [UInt8]) -> (records: [LeaseRecord], damaged: Int) {
        var records: [LeaseRecord] = []
        var damaged = 0
        for line in journal.split(separator: UInt8(ascii: "\n")) {
            guard let text = String(validating: line, as: UTF8.self), let record = LeaseRecord(line: text) else {
                damaged += 1
                continue
            }
            records.append(record)
        }
        return (records, damaged)
    }
}
