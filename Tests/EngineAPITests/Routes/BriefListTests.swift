import Engine
import Foundation
import HTTPTypes
import HostModel
import Testing
import XMLWire

@testable import EngineAPI

/// `GET hosts?brief=true`, which `muster host list` asks for.
@Suite struct BriefListTests {
    @Test("a host in brief says the same as the whole one, where it says anything")
    func sameWords() async throws {
        try await APIInstallation.run { client in
            let (_, _, id) = try await client.enrol(hardwareID: "brief-a")
            var record = try await client.engine.host(try #require(UniqueID(rawValue: id)))
            let reported =
                #"{"manufacturer": "Dell", "product": "R650", "serial": "S", "memory": 2048, "cpuModel": "x"}"#
            record.hardware = try JSONDecoder().decode(HostHardware.self, from: Data(reported.utf8))
            (record.tags, record.comment, record.statusDetail, record.spmPriority) = (["a"], "c", "packages", 3)
            let (whole, brief) = (HostResource(record), HostResource(brief: record))
            for member: KeyPath<HostResource, String?> in [
                \.status_detail, \.comment, \.memory, \.muster.mac, \.hardware_information?.manufacturer,
                \.hardware_information?.product_name, \.cluster?.name, \.cluster?.id,
            ] {
                #expect(whole[keyPath: member] == brief[keyPath: member], "\(member)")
            }
            #expect(
                [whole.id, whole.href, whole.name, whole.address] == [brief.id, brief.href, brief.name, brief.address]
            )
            #expect(whole.spm == brief.spm && whole.muster.tags == ["a"] && brief.muster.tags == ["a"])
            #expect(whole.muster.claims == brief.muster.claims && brief.muster.claims.count == 1)
            #expect(whole.muster.image == brief.muster.image && brief.memory == String(2048 << 20))
            #expect(brief.link == nil && brief.os == nil && brief.power_management == nil)
        }
    }

    @Test("it is asked for by a flag, in JSON and XML, and not without one")
    func flag() async throws {
        try await APIInstallation.run { client in
            let (_, _, id) = try await client.enrol(hardwareID: "brief-b")
            let hosts = "\(APIClient.api)/hosts"
            let brief = try await client.get("\(hosts)?brief=true&search=name%3Dbrief-b")
            #expect(try brief.json(HostCollection.self).host?.map(\.id) == [id])
            #expect(!brief.body.contains("power_management"))
            #expect(try await client.get("\(hosts)?brief=false").body.contains("power_management"))
            #expect(try await client.get(hosts).body.contains("power_management"))
            let xml = try await client.send(.get, "\(hosts)?brief=true", headers: [.accept: "application/xml"]).body
            #expect(xml.contains("<name>brief-b</name>") && !xml.contains("power_management"))
            #expect(try await client.get("\(hosts)?brief=x").status == 400)
        }
    }

    @Test("a link that is written in one go is what its Codable form says")
    func links() throws {
        /// The same members, without the way around `Codable`.
        struct Slow: Encodable {
            var href: String
            var rel: String
        }
        struct Both<Link: Encodable>: Encodable {
            var id = "1"
            var link: [Link]
        }
        let texts = [("/a", "nics"), ("", ""), ("\"<&>\n", "é\u{FFFF}")]
        let quick = try XMLEncoder().encode(Both(link: texts.map { WireLink(href: $0.0, rel: $0.1) }), root: "host")
        let slow = try XMLEncoder().encode(Both(link: texts.map { Slow(href: $0.0, rel: $0.1) }), root: "host")
        #expect(String(decoding: quick, as: UTF8.self) == String(decoding: slow, as: UTF8.self))
        #expect(quick.count > 100)
    }
}
