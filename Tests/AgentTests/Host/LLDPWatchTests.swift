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

    private var chassis: String? {
        let tlvs = watch.report(["eth0"])["eth0"]?.tlvs ?? []
        return tlvs.first?.properties["chassis ID"]?.raw
    }

    private func plug(isHeard: Bool = true) { watch.look([1: .init(name: "eth0", isHeard: isHeard)]) }

    @Test("the last one that spoke counts, until it takes it back") func table() throws {
        #expect(watch.report() == [:])
        plug()
        watch.take(try Self.unit("one"), from: 1)
        #expect(chassis == "one")
        watch.take(try Self.unit("two"), from: 1)
        #expect(chassis == "two")
        watch.take(try Self.unit("two", seconds: 0), from: 1)
        #expect(chassis == "one")
        watch.take([1, 2, 3], from: 1)
        #expect(chassis == "one")
    }

    @Test("what a guest says on its own link is nobody's neighbour") func strangers() throws {
        plug()
        watch.take(try Self.unit("guest"), from: 7)
        #expect(watch.report() == ["eth0": LLDPReport(enabled: true)])
        // Also when the index becomes a NIC's later.
        watch.look([7: .init(name: "eth1", isHeard: true)])
        #expect(watch.report() == ["eth1": LLDPReport(enabled: true)])
    }

    @Test("each NIC that is asked for has an entry; one without a carrier is not enabled") func asked() throws {
        plug()
        watch.take(try Self.unit("one"), from: 1)
        #expect(watch.report(["eth9"]) == ["eth9": LLDPReport(enabled: false)])
        plug(isHeard: false)
        #expect(watch.report() == ["eth0": LLDPReport(enabled: false)])
        watch.take(try Self.unit("one"), from: 1)
        plug()
        #expect(watch.report() == ["eth0": LLDPReport(enabled: true)])
    }

    @Test("a flood of made-up neighbours keeps sixteen") func flood() throws {
        plug()
        for number in 0..<5000 { watch.take(try Self.unit("n\(number)"), from: 1) }
        #expect(chassis == "n4999")
        // What was said by an earlier one is forgotten: its taking back changes nothing.
        for number in 4984..<5000 { watch.take(try Self.unit("n\(number)", seconds: 0), from: 1) }
        #expect(chassis == nil)
    }
}
