/// What a neighbour says of itself on a wire: the TLVs of an LLDP data unit (IEEE 802.1AB-2016, clause 8), in their order.
/// Anybody on the wire can send one.
package struct LLDPDataUnit: Hashable, Sendable {
    package struct TLV: Hashable, Sendable {
        /// 1 to 127; 0 is the end and stands for itself in no list.
        package var type: UInt8
        /// At most 511 bytes.
        package var value: [UInt8]

        package init(type: UInt8, value: [UInt8]) { (self.type, self.value) = (type, value) }
    }

    /// Why bytes are no data unit.
    package enum Refusal: Error, Hashable, Sendable {
        case cutOff
        /// The first three are chassis id, port id and time to live, each once (9.2.7.7.1).
        case order
        case tooMany
    }

    package private(set) var tlvs: [TLV]
    /// Seconds that it holds; 0 takes back what was said before.
    package private(set) var timeToLive: Int

    /// Of the frames' header (8.1).
    package static let etherType: UInt16 = 0x88CC
    /// The nearest bridge: forwarded by nobody (7.1).
    package static let group: [UInt8] = [0x01, 0x80, 0xC2, 0x00, 0x00, 0x0E]
    private static let tlvsMax = 128
    private static let (chassis, port, time): (UInt8, UInt8, UInt8) = (1, 2, 3)

    /// Reads the payload of a frame. What stands behind the end is padding.
    package init(_ bytes: some Collection<UInt8>) throws(Refusal) {
        var (found, rest): ([TLV], ArraySlice<UInt8>) = ([], Array(bytes)[...])
        while rest.count >= 2, let first = rest.popFirst(), let second = rest.popFirst() {
            let (type, length) = (first >> 1, Int(first & 1) << 8 | Int(second))
            guard rest.count >= length else { throw .cutOff }
            if type == 0 {
                try self.init(found)
                return
            }
            guard found.count < Self.tlvsMax else { throw .tooMany }
            found.append(TLV(type: type, value: Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        // Devices leave the end away.
        guard rest.isEmpty else { throw .cutOff }
        try self.init(found)
    }

    package init(_ tlvs: [TLV]) throws(Refusal) {
        guard tlvs.count >= 3, tlvs[0].type == Self.chassis, tlvs[1].type == Self.port, tlvs[2].type == Self.time,
            tlvs[0].value.count >= 2, tlvs[1].value.count >= 2, tlvs[2].value.count >= 2,
            !tlvs.dropFirst(3).contains(where: { $0.type <= Self.time })
        else { throw .order }
        self.tlvs = tlvs
        timeToLive = Int(tlvs[2].value[0]) << 8 | Int(tlvs[2].value[1])
    }

    /// As it stands in a frame, its end included.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for tlv in tlvs {
            let length = tlv.value.count
            bytes.append(tlv.type << 1 | UInt8(length >> 8 & 1))
            bytes.append(UInt8(length & 0xFF))
            bytes += tlv.value
        }
        return bytes + [0, 0]
    }

    /// The neighbour that speaks: a later unit of the same takes its place.
    package var sender: [UInt8] { tlvs[0].value + [0xFF] + tlvs[1].value }

    /// What VDSM's `getLldp` tells of it; TLVs that it has no name for are left out.
    package var elements: [LLDPElement] { tlvs.compactMap(LLDPElement.init) }
}
