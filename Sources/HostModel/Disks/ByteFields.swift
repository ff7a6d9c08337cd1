/// Fixed-width fields at byte offsets: what boot sectors, partition tables and directory records are made of.
extension [UInt8] {
    /// Little-endian. The field must lie inside.
    package mutating func put<Field: FixedWidthInteger>(_ value: Field, at offset: Int) {
        Swift.withUnsafeBytes(of: value.littleEndian) { replace(at: offset, with: $0) }
    }

    /// Both byte orders, one after the other (ECMA-119, 7.3.3).
    package mutating func putBothOrders(_ value: UInt32, at offset: Int) {
        put(value, at: offset)
        put(value.byteSwapped, at: offset + 4)
    }

    /// Overwrites bytes without moving any.
    package mutating func replace(at offset: Int, with bytes: some Sequence<UInt8>) {
        var index = offset
        for byte in bytes {
            self[index] = byte
            index += 1
        }
    }

    /// Little-endian; `nil` where the field does not lie inside.
    package func field<Field: FixedWidthInteger>(_ type: Field.Type, at offset: Int) -> Field? {
        let size = MemoryLayout<Field>.size
        guard offset >= 0, offset <= count - size else { return nil }
        return (0..<size).reduce(0) { $0 | Field(truncatingIfNeeded: self[offset + $1]) << Field($1 * 8) }
    }
}

/// The next multiple of a power of two.
package func roundedUp(_ value: Int64, to unit: Int64) -> Int64 { (value + unit - 1) & ~(unit - 1) }

/// CRC-32 as in zlib and GPT (reflected, polynomial 0x04C11DB7).
package func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = (crc >> 1) ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~crc
}
