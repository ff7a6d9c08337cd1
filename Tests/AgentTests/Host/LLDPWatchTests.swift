import HostModel
import Logging
import Testing

@testable import Agent

@Suite struct LLDPWatchTests {
    private let watch = LLDPWatch(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

    private static func unit(_ name: String, seconds: UInt8 = 120) throws -> [UInt8] {
        try LLDPDataUnit([
            .init(type: 1, value: [7] + Array(name.utf8)), .init(type: 2, value: [7, 49]),
            .init(type: 3, value: [0, seconds]),
        ]).bytes
    }

    /// The loopback interface has index 1 everywhere.
    private var loopback: String? {
        let tlvs = watch.report(["lo"])["lo"]?.tlvs ?? []
        return tlvs.first?.properties["chassis ID"]?.raw
    }

    @Test("the last one that spoke counts, until it takes it back") func table() throws {
        #expect(watch.report() == [:])
        watch.take(try Self.unit("one"), from: 1)
        #expect(loopback == "one")
        watch.take(try Self.unit("two"), from: 1)
        #expect(loopback == "two")
        watch.take(try Self.unit("two", seconds: 0), from: 1)
        #expect(loopback == "one")
        watch.take([1, 2, 3], from: 1)
        #expect(loopback == "one")
        #expect(watch.report(["eth9"]) == [:])
    }

    @Test("a flood of made-up neighbours keeps sixteen") func flood() throws {
        for number in 0..<5000 { watch.take(try Self.unit("n\(number)"), from: 1) }
        #expect(loopback == "n4999")
        // What was said by an earlier one is forgotten: its taking back changes nothing.
        for number in 4984..<5000 { watch.take(try Self.unit("n\(number)", seconds: 0), from: 1) }
        #expect(loopback == nil)
    }
}
