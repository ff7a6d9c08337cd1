import Crypto
import HostModel
import Testing

@testable import Engine

/// A node whose lease changes while it waits.
@Suite struct AddressNoticeTests {
    private static func notice(_ address: String, of node: TestNode, _ claim: UniqueID) throws -> AddressNotice {
        let address = try require(IPv4Address(address))
        let said = AddressNotice.transcript(claim: claim, address: address)
        let signature = try node.key.signature(for: said).derRepresentation
        return AddressNotice(address: address, signature: Array(signature))
    }

    @Test func theEngineFollowsAWaitingNode() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode()
        let enrolment = try await node.enrol(with: engine)
        let notice = try Self.notice("192.0.2.99", of: node, enrolment.claim)
        #expect(try await engine.claimProgress(enrolment.claim, moved: notice).state == .pending)
        #expect(try await engine.host(enrolment.host).address == "192.0.2.99")
        #expect(try await engine.claims(of: enrolment.host).first?.address == notice.address)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        #expect(try await engine.host(enrolment.host).address == "192.0.2.99")
    }

    @Test func onlyTheHolderOfTheKeyMovesIt() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let (node, thief) = (try TestNode(), try TestNode())
        let enrolment = try await node.enrol(with: engine)
        let other = try await thief.enrol(with: engine)
        for notice in [
            try Self.notice("192.0.2.66", of: thief, enrolment.claim),
            try Self.notice("192.0.2.66", of: node, other.claim),
            try Self.notice("224.0.0.1", of: node, enrolment.claim),
        ] {
            await #expect(throws: EngineError.self) { try await engine.claimProgress(enrolment.claim, moved: notice) }
        }
        #expect(try await engine.host(enrolment.host).address == "127.0.0.1")
        #expect(try await engine.claimProgress(enrolment.claim).state == .pending)
    }

    @Test func theQueryIsReadAsItIsWritten() throws {
        let notice = try Self.notice("192.0.2.99", of: try TestNode(), .random())
        let fields = notice.query.split(separator: "&").map { $0.split(separator: "=")[1] }
        #expect(AddressNotice(address: fields[0], signature: fields[1]) == notice)
        for length in 0..<fields[1].count where !length.isMultiple(of: 2) || length == 0 {
            #expect(AddressNotice(address: fields[0], signature: fields[1].prefix(length)) == nil)
        }
        #expect(AddressNotice(address: "1.2.3", signature: fields[1]) == nil)
        #expect(AddressNotice(address: fields[0], signature: String(repeating: "zz", count: 70)) == nil)
        #expect(AddressNotice(address: fields[0], signature: String(repeating: "a", count: 146)) == nil)
    }
}
