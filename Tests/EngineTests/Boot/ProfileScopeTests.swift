import Engine
import HostModel
import Testing

/// Whose profile counts: the host's, else its tag's, else its cluster's, else default.
@Suite struct ProfileScopeTests {
    private static let user = "admin@internal"

    private static func engine(_ installation: TestInstallation, _ names: [String]) async throws -> HostEngine {
        let engine = try await installation.open()
        for name in names {
            try await engine.saveProfile(
                BootProfile(name: name, mode: .run, image: ImageReference("node-minimal")),
                by: user
            )
        }
        return engine
    }

    private static func assign(
        _ engine: HostEngine,
        _ profile: String?,
        _ scope: BootAssignment.Scope,
        _ name: String
    ) async throws {
        try await engine.assignProfile(profile, to: scope, name, by: user, correlation: nil)
    }

    private static func tag(_ engine: HostEngine, _ name: String, on host: UniqueID? = nil) async throws {
        if host == nil {
            var order = TagResource.Order()
            order.name = name
            _ = try await engine.add(TagRecord.self, order, by: user, correlation: nil)
        } else if let host {
            _ = try await engine.mark(TagRecord.self, WireReference(name: name), on: host, by: user, correlation: nil)
        }
    }

    @Test("host before tag before cluster before default, and the next boot before all")
    func order() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await Self.engine(installation, ["by-cluster", "by-tag", "by-other-tag", "own", "once"])
        let node = try TestNode(name: "web")
        let host = try await node.enrol(with: engine).host
        let request = BootRequest(mac: node.mac, firmware: .bios)
        func booted() async throws -> String { try await engine.answer(request).profile.name }
        #expect(try await booted() == "default")
        try await Self.assign(engine, "by-cluster", .cluster, "Default")
        #expect(try await booted() == "by-cluster")
        #expect(try await engine.answer(request).reason == "host web, by its cluster Default")
        for name in ["beta", "alpha"] { try await Self.tag(engine, name) }
        try await Self.assign(engine, "by-other-tag", .tag, "beta")
        #expect(try await booted() == "by-cluster", "a tag that the host has not")
        try await Self.tag(engine, "beta", on: host)
        #expect(try await booted() == "by-other-tag")
        try await Self.tag(engine, "alpha", on: host)
        #expect(try await booted() == "by-other-tag", "a tag without a profile")
        try await Self.assign(engine, "by-tag", .tag, "alpha")
        #expect(try await booted() == "by-tag", "of several tags the first by name")
        try await engine.setBoot(host, profile: "own", when: .always, by: Self.user, correlation: nil)
        try await engine.setBoot(host, profile: "once", when: .next, by: Self.user, correlation: nil)
        #expect(try await booted() == "once")
        try await engine.setBoot(host, profile: nil, when: .next, by: Self.user, correlation: nil)
        #expect(try await booted() == "own")
        try await engine.setBoot(host, profile: nil, when: .always, by: Self.user, correlation: nil)
        #expect(try await booted() == "by-tag")
        for (scope, name) in [(BootAssignment.Scope.tag, "alpha"), (.tag, "beta"), (.cluster, "Default")] {
            try await Self.assign(engine, nil, scope, name)
        }
        #expect(try await booted() == "default")
        let stranger = BootRequest(mac: try #require(MACAddress("52:54:00:00:00:99")), firmware: .bios)
        #expect(try await engine.answer(stranger).reason == "unknown machine")
    }

    @Test("after an installation the host boots from its disk, whatever tag and cluster say")
    func localAfterInstallation() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await Self.engine(installation, [])
        let disk = try #require(DiskWord("rule:only"))
        let install = BootProfile(
            name: "disks",
            mode: .install,
            image: ImageReference("node-debian"),
            install: DiskInstallSettings(disk: disk)
        )
        try await engine.saveProfile(install, by: Self.user)
        let node = try TestNode(name: "web")
        _ = try await node.enrol(with: engine).host
        try await Self.assign(engine, "disks", .cluster, "Default")
        let request = BootRequest(mac: node.mac, firmware: .bios)
        #expect(try await engine.answer(request).profile.mode == .install)
        try await engine.record([BootEvent(mac: node.mac, stage: .installed, detail: "done", outcome: "disks")])
        #expect(try await engine.answer(request).profile.mode == .local)
    }

    @Test("what is in use stays, what is not there is said")
    func refusals() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await Self.engine(installation, ["by-cluster"])
        try await Self.assign(engine, "by-cluster", .cluster, "Default")
        #expect(
            try await engine.bootAssignments() == [
                BootAssignment(scope: .cluster, name: "Default", profile: "by-cluster")
            ]
        )
        let used = await #expect(throws: EngineError.self) {
            try await engine.removeProfile("by-cluster", by: Self.user)
        }
        #expect(used?.kind == .conflict && used?.detail.contains("clusters") == true)
        for (profile, scope, name) in [
            ("by-cluster", BootAssignment.Scope.tag, "none"), ("nope", .cluster, "Default"), (nil, .tag, "none"),
        ] {
            let refusal = await #expect(throws: EngineError.self) {
                try await Self.assign(engine, profile, scope, name)
            }
            #expect(refusal?.kind == .notFound)
        }
        try await Self.assign(engine, nil, .cluster, "Default")
        let none = await #expect(throws: EngineError.self) { try await Self.assign(engine, nil, .cluster, "Default") }
        #expect(none?.kind == .notFound)
    }
}
