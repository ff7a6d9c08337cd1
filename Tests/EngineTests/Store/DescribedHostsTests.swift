import HostModel
import Testing

@testable import Engine

@Suite struct DescribedHostsTests {
    private static func row(_ id: UniqueID, hardware: String?) throws -> HostRow {
        HostRow(
            id: id,
            name: try #require(HostName("a")),
            address: "192.0.2.1",
            port: 54321,
            status: .up,
            cluster: .random(),
            hardware: hardware,
            created: 0,
            version: 1
        )
    }

    @Test("what was read is kept for as long as the row says the same, and not for a word longer")
    func changes() throws {
        let (described, id, other) = (DescribedHosts(), UniqueID.random(), UniqueID.random())
        for (host, text, maker) in [
            (id, #"{"manufacturer": "Dell"}"#, "Dell"), (id, #"{"manufacturer": "Dell"}"#, "Dell"),
            (other, #"{"manufacturer": "Fujitsu"}"#, "Fujitsu"), (id, #"{"manufacturer": "HPE"}"#, "HPE"),
            (id, nil, nil), (id, "{", nil), (other, #"{"manufacturer": "Fujitsu"}"#, "Fujitsu"),
        ] as [(UniqueID, String?, String?)] {
            let read = described.description(of: try Self.row(host, hardware: text))
            #expect(read.hardware?.manufacturer?.raw == maker)
        }
    }

    @Test("what nobody approved, and what is very long, is not kept")
    func strangers() throws {
        let (described, long) = (DescribedHosts(), String(repeating: "a", count: DescribedHosts.bytesMax))
        var stranger = try Self.row(.random(), hardware: #"{"manufacturer": "Dell"}"#)
        stranger.status = .pendingApproval
        #expect(described.description(of: stranger).hardware?.manufacturer?.raw == "Dell")
        _ = described.description(of: try Self.row(.random(), hardware: #"{"manufacturer": "\#(long)"}"#))
        #expect(described.count == 0)
        stranger.status = .up
        _ = described.description(of: stranger)
        #expect(described.count == 1)
    }

    @Test("it forgets instead of growing without an end")
    func bound() throws {
        let described = DescribedHosts()
        for number in 0...(DescribedHosts.countMax + 1) {
            let row = try Self.row(.random(), hardware: #"{"manufacturer": "\#(number)"}"#)
            #expect(described.description(of: row).hardware?.manufacturer?.raw == "\(number)")
        }
        #expect(described.count <= DescribedHosts.countMax)
    }
}
