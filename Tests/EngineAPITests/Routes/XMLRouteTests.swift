import Engine
import Foundation
import HTTPTypes
import HostModel
import Testing
import XMLWire

@testable import EngineAPI

/// The API in XML, through the router with all its middleware, over a real engine.
@Suite struct XMLRouteTests {
    private static let api = APIClient.api
    private static let xml: HTTPFields = [.accept: "application/xml", .contentType: "application/xml"]

    /// What a document says, a line a value, whatever its form: `cluster.name=Default`.
    private static func lines(_ json: Any, at path: String = "") -> [String] {
        switch json {
        case let members as [String: Any]: members.flatMap { lines($0.value, at: "\(path).\($0.key)") }
        case let things as [Any]: things.flatMap { lines($0, at: path) }
        case let number as NSNumber where isFlag(number): ["\(path)=\(number.boolValue)"]
        default: ["\(path)=\(json)"]
        }
    }

    /// Foundation's flags are numbers, too.
    private static func isFlag(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

    private static func lines(_ element: XMLElement, at path: String = "") -> [String] {
        let attributes = element.attributes.map { "\(path).\($0.name)=\($0.value)" }
        guard element.children.isEmpty else {
            return attributes + element.children.flatMap { lines($0, at: "\(path).\($0.name)") }
        }
        // An element without anything says nothing; a text that is empty is not told from it.
        return element.text.isEmpty ? attributes : attributes + ["\(path)=\(element.text)"]
    }

    @Test("everything that is shown says the same in both forms")
    func bothForms() async throws {
        try await APIInstallation.run { client in
            let node = try await client.enrol(hardwareID: "web")
            let clusters = try await client.get("\(Self.api)/clusters").json(SiteCollection<ClusterResource>.self)
            let cluster = try #require(clusters.elements.first).id
            let center = try #require(clusters.elements.first).data_center.id
            let paths = [
                "", "/hosts", "/hosts/\(node.host)", "/hosts/\(node.host)/claims",
                "/hosts/\(node.host)/tags", "/hosts/\(node.host)/affinitylabels", "/hosts/\(node.host)/fenceagents",
                "/hosts/\(node.host)/jobs", "/clusters", "/clusters/\(cluster)", "/clusters/\(cluster)/networks",
                "/clusters/\(cluster)/fencingpolicy", "/datacenters", "/datacenters/\(center)",
                "/datacenters/\(center)/networks", "/datacenters/\(center)/clusters", "/networks", "/tags",
                "/affinitylabels", "/macpools", "/schedulingpolicies/b4ed2332-a7ac-4d5f-9596-99a439cb2812",
                "/schedulingpolicies", "/events", "/events/1", "/jobs",
                "/bootprofiles", "/bootprofiles/default/versions", "/bootassignments", "/bootservices", "/nodeimages",
                "/rejections",
            ]
            for path in paths {
                let json = try await client.get(Self.api + path)
                let xml = try await client.send(.get, Self.api + path, headers: Self.xml)
                #expect(json.status == 200 && xml.status == 200, "\(path)")
                #expect(xml.headers[.contentType] == "application/xml;charset=UTF-8", "\(path)")
                let element = try XMLElement(document: Array(xml.body.utf8))
                let told = Self.lines(try JSONSerialization.jsonObject(with: Data(json.body.utf8)))
                let same = told.filter { !$0.hasSuffix("=") && !$0.hasPrefix(".time=") }.sorted()
                #expect(Self.lines(element).filter { !$0.hasPrefix(".time=") }.sorted() == same, "\(path)")
            }
        }
    }

    @Test("what is sent in XML is there in JSON, with its place; what is wrong with it is told in XML")
    func orders() async throws {
        try await APIInstallation.run { client in
            func send(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil) async throws
                -> APIClient.Answer
            {
                try await client.send(method, Self.api + path, body, headers: Self.xml)
            }
            let body = """
                <?xml version="1.0"?><cluster><name>east</name><comment></comment><description>a &amp; b</description>
                <data_center><name>Default</name></data_center><memory_policy><over_commit><percent>150</percent></over_commit>
                </memory_policy><fencing_policy><enabled>false</enabled></fencing_policy><unknown><x/></unknown></cluster>
                """
            let made = try await send(.post, "/clusters", body)
            #expect(made.status == 201, "\(made.body)")
            let place = try #require(made.headers[.location])
            let cluster = try await client.get(place).json(ClusterResource.self)
            #expect(cluster.name == "east" && cluster.description == "a & b" && cluster.comment == "")
            #expect(cluster.memory_policy?.over_commit?.percent == WireNumber(150))
            #expect(cluster.fencing_policy?.enabled == false && cluster.ksm?.enabled == false)
            let policy = try await client.get("\(place)/fencingpolicy").json(FencingPolicyResource.self)
            #expect(policy.enabled == false, "one policy, by whichever way it is set and asked for")
            let threshold = #"{"skip_if_connectivity_broken": {"threshold": 30}}"#
            #expect(try await client.send(.put, "\(place)/fencingpolicy", threshold).status == 200)
            let again = try await client.get(place).json(ClusterResource.self)
            #expect(again.fencing_policy?.skip_if_connectivity_broken?.threshold == WireNumber(30))
            #expect(again.fencing_policy?.enabled == false)
            #expect(
                try await send(.put, "/clusters/\(cluster.id)", "<cluster><virt_service>x</virt_service></cluster>")
                    .status == 400
            )
            let taken = try await send(.post, "/clusters", "<cluster><name>East</name></cluster>")
            let fault = try XMLElement(document: Array(taken.body.utf8))
            #expect(taken.status == 409 && fault.name == "fault")
            #expect(fault.children.map(\.name).sorted() == ["detail", "reason", "remedy"])
            let gone = try await send(.delete, "/clusters/\(cluster.id)")
            #expect(gone.status == 200 && gone.body.contains("<action><status>complete</status></action>"))
            let missing = try await send(.post, "/hosts/\(UniqueID.random())/activate", "<action/>")
            #expect(missing.status == 404 && missing.body.contains("<status>failed</status>"))
            let json = try await client.send(.post, "\(Self.api)/hosts/\(UniqueID.random())/activate", "{}")
            #expect(json.fault?.detail.isEmpty == false, "an action that failed has its fault in JSON, too")
        }
    }

    @Test("bodies that would grow are refused before they do")
    func bombs() async throws {
        try await APIInstallation.run { client in
            let entities = "<!DOCTYPE t [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><tag><name>&b;</name></tag>"
            let bodies = [
                (entities, 400), (String(repeating: "<tag>", count: 50_000), 400),
                ("<tag>\(String(repeating: "<a/>", count: 50_000))</tag>", 400),
                (String(repeating: " ", count: BodyLimit.resource + 1), 413),
            ]
            for (body, status) in bodies {
                let answer = try await client.send(.post, "\(Self.api)/tags", body, headers: Self.xml)
                #expect(answer.status == status, "\(body.prefix(20))")
            }
        }
    }
}

/// What holds for every call (ovirt.md 4.5).
@Suite struct ConventionTests {
    private static let api = APIClient.api

    @Test("links are followed into the answer; what has none there stays as it is")
    func follow() async throws {
        try await APIInstallation.run { client in
            let node = try await client.enrol(hardwareID: "web")
            let host = "\(Self.api)/hosts/\(node.host)"
            _ = try await client.send(.post, "\(Self.api)/tags", #"{"name": "rack"}"#)
            _ = try await client.send(.post, "\(host)/tags", #"{"name": "rack"}"#)
            let tree = try await client.get("\(host)?follow=cluster.data_center,tags,nothing").body
            let json = try #require(try JSONSerialization.jsonObject(with: Data(tree.utf8)) as? [String: Any])
            let cluster = try #require(json["cluster"] as? [String: Any])
            #expect((cluster["data_center"] as? [String: Any])?["quota_mode"] as? String == "disabled")
            #expect(((json["tags"] as? [String: Any])?["tag"] as? [[String: Any]])?.first?["name"] as? String == "rack")
            let links = try #require(json["link"] as? [[String: String]])
            #expect(!links.contains { $0["rel"] == "tags" }, "what is there needs no link")
            let list = try await client.get("\(Self.api)/hosts?follow=cluster").body
            #expect(list.contains(#""scheduling_policy""#))
            let asked = try await client.get("\(Self.api)/hosts?follow=unmanagednetworks")
            #expect(asked.status == 200, "a host that cannot be asked stays as it is: \(asked.body)")
            #expect(try await client.get("\(Self.api)/hosts?follow=").status == 200)
            #expect(try await client.get("\(Self.api)/hosts?follow=a..b").status == 400)
            // The same user asks: what is nobody's is followed by nobody.
            var stranger = client
            stranger.token = nil
            #expect(try await stranger.get("\(host)?follow=cluster").status == 401)
        }
    }

    @Test("the version is in the path, in every link, or in a header; others are refused")
    func versions() async throws {
        try await APIInstallation.run { client in
            let versioned = try await client.get("\(Self.api)/v4/clusters").json(SiteCollection<ClusterResource>.self)
            #expect(versioned.elements.allSatisfy { $0.href.hasPrefix("\(Self.api)/v4/clusters/") })
            let href = try #require(versioned.elements.first).href
            #expect(try await client.get("\(href)?follow=data_center").body.contains(#""quota_mode""#))
            #expect(try await client.get("\(Self.api)/v3/clusters").status == 400)
            let name = try #require(HTTPField.Name("Version"))
            #expect(try await client.send(.get, Self.api, headers: [name: "4"]).status == 200)
            #expect(try await client.send(.get, Self.api, headers: [name: "3"]).status == 400)
        }
    }

    @Test("events, networks and clusters are searched in oVirt's whole language")
    func search() async throws {
        try await APIInstallation.run { client in
            _ = try await client.enrol(hardwareID: "web")
            for name in ["red", "blue"] {
                let made = try await client.send(
                    .post,
                    "\(Self.api)/networks",
                    #"{"name": "\#(name)", "vlan": {"id": "7"}}"#
                )
                #expect(made.status == 201 && made.headers[.location]?.isEmpty == false)
            }
            func count(_ path: String, _ search: String) async throws -> Int {
                let text = search.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                let answer = try await client.get("\(Self.api)/\(path)?search=\(text)")
                guard answer.status == 200 else { return -answer.status }
                let json = try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: [Any]]
                return json?.values.first?.count ?? 0
            }
            let cases = [
                ("events", "type=942", 2), ("events", "type=942 and message=*red*", 1),
                ("events", "type!=942 and host=web", 1),
                ("events", "host.name=WEB or (severity=normal and message=*blue*)", 2), ("events", "time>=today", 3),
                ("events", "time<yesterday", 0), ("events", "user=admin@internal", 2), ("events", "blue", 1),
                ("events", "nothing=1", -400), ("events", "severity>normal", 0), ("events", "severity=loud", -400),
                ("events", "time=soon", -400),
                ("networks", #"name="red" and datacenter="Default""#, 1), ("networks", "vlanid>6 sortby name", 2),
                ("networks", "not vmnetwork=true", 0), ("networks", "name=r* or name=b*", 2),
                ("networks", "name=x'", -400),
                ("clusters", "name=default", 1), ("clusters", "datacenter.name=Default page 2", 0),
                ("clusters", "a=b", -400),
                ("hosts", "update_available=false and external_status=ok", 1), ("hosts", "update_available=true", 0),
                ("hosts", "type=ovirt_node architecture=undefined", 1), ("hosts", "cpu_speed>1000", 0),
                ("datacenters", "status=up", 1), ("jobs", "status=started", 0), ("tags", "name=root", 1),
            ]
            for (path, search, expected) in cases {
                #expect(try await count(path, search) == expected, "\(path): \(search)")
            }
            #expect(
                try await client.get("\(Self.api)/networks?search=name%3DRED&case_sensitive=true").body.contains("red")
                    == false
            )
            #expect(
                try await client.get("\(Self.api)/hosts?search=name%3DWEB&case_sensitive=true").body.contains("web")
                    == false
            )
            #expect(
                try await client.get("\(Self.api)/hosts?search=name%3DWEB&case_sensitive=false").body.contains("web")
            )
            #expect(try await client.get("\(Self.api)/hosts?case_sensitive=x").status == 400)
        }
    }

    @Test("an event is shown alone, and is not taken back")
    func oneEvent() async throws {
        try await APIInstallation.run { client in
            _ = try await client.enrol(hardwareID: "web")
            #expect(try await client.get("\(Self.api)/events/1").json(EventResource.self).index == "1")
            #expect(try await client.get("\(Self.api)/events/99").status == 404)
            #expect(try await client.get("\(Self.api)/events/x").status == 404)
            #expect(try await client.send(.delete, "\(Self.api)/events/1").status == 409)
        }
    }

    @Test("other programs record what they saw, each of it once")
    func externalEvents() async throws {
        try await APIInstallation.run { client in
            func post(_ body: String) async throws -> APIClient.Answer {
                try await client.send(.post, "\(Self.api)/events", body)
            }
            let body = #"{"description": "fan \u001b[2J", "severity": "alert", "origin": "watch", "custom_id": 7}"#
            let made = try await post(body)
            let event = try made.json(EventResource.self)
            #expect(made.status == 201 && made.headers[.location] == event.href)
            #expect((event.code, event.origin, event.custom_id) == ("9804", "watch", "7"))
            #expect(!event.description.contains("\u{1B}"))
            #expect(try await client.get(event.href ?? "").json(EventResource.self) == event)
            #expect(try await post(body).status == 409)
            for bad in [
                #"{}"#, #"{"description": "x", "severity": "loud", "origin": "watch", "custom_id": 8}"#,
                #"{"description": "x", "severity": "normal", "origin": "OVIRT", "custom_id": 8}"#,
            ] { #expect(try await post(bad).status == 400, "\(bad)") }
            let lost =
                #"{"description": "x", "severity": "normal", "origin": "w", "custom_id": 1, "host": {"name": "no"}}"#
            #expect(try await post(lost).status == 404)
            let own = try await client.get("\(Self.api)/events?search=origin%3Dovirt").json(EventCollection.self)
            #expect(own.event?.isEmpty == true, "nothing was recorded of what was refused")
            #expect(try await client.send(.post, "\(Self.api)/events/undelete", "{}").status == 200)
        }
    }

    @Test("what oVirt's clients may set and nothing here does is refused, not passed over")
    func refusals() async throws {
        try await APIInstallation.run { client in
            let bodies = [
                ("networks", #"{"name": "red", "stp": "true"}"#),
                ("networks", #"{"name": "red", "port_isolation": true}"#),
                ("datacenters", #"{"name": "far", "local": true}"#),
                ("datacenters", #"{"name": "far", "quota_mode": "enabled"}"#),
                ("hosts?deploy_hosted_engine=true", #"{"name": "a", "address": "192.0.2.1", "root_password": "x"}"#),
                ("hosts?undeploy_hosted_engine=true", #"{"name": "a", "address": "192.0.2.1", "root_password": "x"}"#),
            ]
            for (path, body) in bodies {
                let answer = try await client.send(.post, "\(Self.api)/\(path)", body)
                #expect(answer.status == 409 && answer.fault?.remedy?.isEmpty == false, "\(path): \(answer.body)")
            }
            let cluster = #"{"name": "c", "switch_type": "magic"}"#
            #expect(try await client.send(.post, "\(Self.api)/clusters", cluster).status == 400)
            let spm = #"{"name": "a", "address": "192.0.2.1", "root_password": "x", "spm": {"priority": 11}}"#
            #expect(try await client.send(.post, "\(Self.api)/hosts", spm).status == 400)
        }
    }

    @Test("jobs of other programs end with their steps, are kept up to a limit, and go when they are cleared")
    func externalJobs() async throws {
        try await APIInstallation.run { client in
            let engine = client.engine
            func add(_ text: String, isCleared: Bool = false) async throws -> UniqueID {
                try await engine.addExternalJob(text, isCleared: isCleared, by: "a@internal", correlation: nil).id
            }
            let job = try await add("a \u{1B}[2J")
            let step = try await engine.addExternalStep(to: job, "copy", type: "executing")
            try await engine.endExternalJob(job, succeeded: true)
            let ended = try #require(try await engine.externalJob(job))
            #expect(ended.job.status == "finished" && ended.steps.map(\.status) == ["finished"])
            #expect(!ended.job.description.contains("\u{1B}"))
            await #expect(throws: EngineError.self) { try await engine.endExternalJob(job, succeeded: true) }
            await #expect(throws: EngineError.self) {
                try await engine.endExternalStep(step.id, of: job, succeeded: true)
            }
            let passing = try await add("passing", isCleared: true)
            try await engine.endExternalJob(passing, succeeded: false)
            #expect(try await engine.externalJob(passing) == nil)
            let full = try await add("full")
            for _ in 0..<ExternalJobRecord.stepsMax {
                _ = try await engine.addExternalStep(to: full, "one", type: "executing")
            }
            await #expect(throws: EngineError.self) {
                try await engine.addExternalStep(to: full, "one too many", type: "executing")
            }
            for count in 0..<ExternalJobRecord.kept { _ = try await add("\(count)") }
            #expect(try await engine.externalJobs().count == ExternalJobRecord.kept)
            #expect(try await engine.externalJob(job) == nil, "the oldest gives way")
            let page = try await client.get("\(Self.api)/jobs?max=2").json(JobCollection.self)
            #expect(page.job?.count == 2 && page.job?.first?.external == "true")
        }
    }
}
