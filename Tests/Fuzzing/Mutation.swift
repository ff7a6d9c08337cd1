/// Damages samples, the same way for the same seed: what a run found it finds again.
package struct Mutation: Sendable {
    private var state: UInt64
    private let samples: [[UInt8]]

    /// The longest input that is made, in bytes.
    package static let bytesMax = 64 << 10
    /// Values at the edge of something.
    private static let edges: [UInt8] = [0, 1, 4, 8, 16, 32, 58, 64, 91, 92, 123, 127, 128, 255]

    /// At least one sample.
    package init(of samples: [[UInt8]], seed: UInt64) { (self.samples, state) = (samples, seed) }

    package mutating func next() -> [UInt8] {
        var bytes = sample()
        for _ in 0...number(below: 4) { damage(&bytes) }
        return Array(bytes.prefix(Self.bytesMax))
    }

    private mutating func damage(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = sample()
            return
        }
        let place = number(below: bytes.count)
        let length = number(below: min(bytes.count - place, 64) + 1)
        switch number(below: 9) {
        case 0: bytes[place] ^= 1 << UInt8(number(below: 8))
        case 1: bytes[place] = Self.edges[number(below: Self.edges.count)]
        case 2: bytes.removeSubrange(place..<place + length)
        case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: number(below: bytes.count))
        case 4: bytes.removeSubrange(place...)
        case 5: bytes.insert(contentsOf: (0..<length).map { _ in UInt8(number(below: 256)) }, at: place)
        case 6:
            let other = sample()
            guard !other.isEmpty else { return }
            let cut = number(below: other.count)
            bytes.replaceSubrange(place..., with: other[cut...])
        case 7: bytes += sample()
        default:
            // A length or a count: the same number of octets around a value at the edge.
            let edge = [0, 1, 3, 4, 15, 16, 0x7F, 0xFF, 0x7FFF, 0xFFFF][number(below: 10)]
            bytes[place] = UInt8(edge & 0xFF)
            if place + 1 < bytes.count { bytes[place + 1] = UInt8(edge >> 8) }
        }
    }

    private mutating func sample() -> [UInt8] { samples[number(below: samples.count)] }

    /// SplitMix64.
    private mutating func number(below limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ mixed >> 31) % UInt64(limit))
    }
}
