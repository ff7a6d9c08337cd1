import Testing

@testable import BootServer

/// What a boot server keeps on its disk is whole, or it is not there.
@Suite struct SealedFileTests {
    @Test func roundTrips() {
        for payload in [[], Array("{}".utf8), Array(repeating: 7, count: 70_000)] {
            #expect(SealedFile.decode(SealedFile.encode(payload)) == payload)
        }
    }

    @Test func everyPrefixIsRefused() {
        let bytes = SealedFile.encode(Array("the last answer".utf8))
        for count in bytes.indices { #expect(SealedFile.decode(Array(bytes[..<count])) == nil, "\(count)") }
        #expect(SealedFile.decode(bytes + [0]) == nil)
    }

    @Test func everyFlippedByteIsFoundOut() {
        let bytes = SealedFile.encode(Array("the last answer".utf8))
        for index in bytes.indices {
            for bit in [UInt8(1), 0x80] {
                var flipped = bytes
                flipped[index] ^= bit
                #expect(SealedFile.decode(flipped) == nil, "\(index)")
            }
        }
    }
}
