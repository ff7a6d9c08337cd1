/// One rtnetlink request as bytes: the fixed header of its family, then attributes (RFC 3549, rtnetlink(7)).
struct NetlinkMessage: Hashable, Sendable {
    /// RTM_…
    var type: Int
    /// NLM_F_…, beside those that libnl adds.
    var flags: Int
    private(set) var payload: [UInt8] = []

    init(type: Int, flags: Int = 0) { (self.type, self.flags) = (type, flags) }

    /// With the header of every netlink message (struct nlmsghdr).
    func append(to bytes: inout [UInt8], number: UInt32, flags more: Int) {
        var header = NetlinkMessage(type: 0)
        header.put(UInt32(16 + payload.count))
        header.put(UInt16(type))
        header.put(UInt16(flags | more))
        header.put(number)
        header.put(UInt32(0))
        bytes += header.payload
        bytes += payload
        bytes.append(contentsOf: repeatElement(0, count: -bytes.count & 3))
    }

    /// In the machine's byte order, as the kernel wants it.
    mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { payload.append(contentsOf: $0) }
    }

    mutating func putAttribute(_ type: Int, _ bytes: some Collection<UInt8>) {
        put(UInt16(4 + bytes.count))
        put(UInt16(type))
        payload.append(contentsOf: bytes)
        payload.append(contentsOf: repeatElement(0, count: -bytes.count & 3))
    }

    mutating func putAttribute(_ type: Int, value: some FixedWidthInteger) {
        putAttribute(type, withUnsafeBytes(of: value) { Array($0) })
    }

    /// NUL-terminated.
    mutating func putAttribute(_ type: Int, text: String) { putAttribute(type, Array(text.utf8) + [0]) }

    mutating func putNested(
        _ type: Int,
        _ body: (inout NetlinkMessage) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        var inner = NetlinkMessage(type: type)
        try body(&inner)
        putAttribute(type, inner.payload)
    }

    mutating func putNested(_ type: Int, _ body: (inout NetlinkMessage) -> Void) {
        var inner = NetlinkMessage(type: type)
        body(&inner)
        putAttribute(type, inner.payload)
    }

    /// A nested list, numbered from 0.
    mutating func putList(_ type: Int, _ elements: [[UInt8]]) {
        putNested(type) { (list: inout NetlinkMessage) -> Void in
            for (number, element) in elements.enumerated() { list.putAttribute(number, element) }
        }
    }
}

/// The attributes of a message that came, by type. Of two with the same type the last one counts, as in the kernel.
///
/// They lie in the message still: a link has about a hundred of them, and a host thousands of links.
struct NetlinkAttributes: Sendable {
    private let bytes: ArraySlice<UInt8>
    /// Type and place of each, counted from the beginning of `bytes`.
    private var places: [(type: Int, place: Range<Int>)] = []

    /// `nil` when an attribute's length does not fit into the bytes.
    init?(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        var offset = 0
        while bytes.count - offset >= 4 {
            guard let length = bytes.integer(at: offset, as: UInt16.self).map(Int.init),
                let type = bytes.integer(at: offset + 2, as: UInt16.self),
                length >= 4, length <= bytes.count - offset
            else { return nil }
            // The two upper bits say "nested" and "network byte order".
            places.append((Int(type & 0x3FFF), offset + 4..<offset + length))
            offset += (length + 3) & ~3
        }
    }

    subscript(_ type: Int) -> ArraySlice<UInt8>? { places.last { $0.type == type }.map { self[$0.place] } }

    private subscript(_ place: Range<Int>) -> ArraySlice<UInt8> {
        bytes[bytes.startIndex + place.lowerBound..<bytes.startIndex + place.upperBound]
    }

    /// The values in the order of their types: the elements of a list.
    var all: [ArraySlice<UInt8>] { Set(places.map(\.type)).sorted().compactMap { self[$0] } }

    func integer<Value: FixedWidthInteger>(_ type: Int, as: Value.Type = Value.self) -> Value? {
        self[type]?.integer(at: 0, as: Value.self)
    }

    /// Up to the NUL; `nil` when it is not UTF-8.
    func text(_ type: Int) -> String? {
        self[type].flatMap { String(validating: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    func nested(_ type: Int) -> NetlinkAttributes? { self[type].flatMap(NetlinkAttributes.init) }
}

extension ArraySlice<UInt8> {
    /// A value in the machine's byte order; `nil` when the slice is too short.
    func integer<Value: FixedWidthInteger>(at offset: Int, as: Value.Type = Value.self) -> Value? {
        guard offset >= 0, offset + Value.bitWidth / 8 <= count else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
    }
}
