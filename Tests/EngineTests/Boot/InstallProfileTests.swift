import Engine
import HostModel
import Testing

/// Profiles that install hosts on their own disk.
@Suite struct InstallProfileTests {
    private static let user = "admin@internal"

    private static func profile(
        _ name: String = "disks",
        _ mode: BootProfile.Mode = .install,
        disk: String? = "rule:only",
        wipe: String? = nil
    ) throws -> BootProfile {
        BootProfile(
            name: name,
            mode: mode,
            image: mode == .local ? nil : ImageReference("node-debian"),
            install: try disk.map {
                DiskInstallSettings(disk: try require(DiskWord($0)), wipe: wipe.flatMap { DiskWord($0) })
            }
        )
    }

    private static func step(_ node: TestNode, _ stage: BootEvent.Stage, of profile: String?) -> BootEvent {
        BootEvent(mac: node.mac, stage: stage, detail: "a step", outcome: profile)
    }

    @Test func whatIsSavedComesBack() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await installation.open()
        let wanted = try Self.profile(wipe: "S3X1")
        try await engine.saveProfile(wanted, by: Self.user)
        #expect(try await engine.profile("disks") == wanted)
        let request = BootRequest(mac: try TestNode().mac, firmware: .bios)
        #expect(try await engine.answer(request).profile.mode == .run)
    }

    @Test func whatIsNoInstallationIsRefused() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await installation.open()
        let bad = [
            try Self.profile(disk: nil), try Self.profile("disks", .run), try Self.profile(disk: "serial=A B"),
            try Self.profile(wipe: "A B"), try Self.profile(disk: "size>=many"),
            try Self.profile(disk: "rule:colour=red"),
        ]
        for profile in bad {
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.saveProfile(profile, by: Self.user)
            }
            #expect(refusal?.kind == .invalid, "\(profile)")
        }
    }

    @Test(arguments: [BootSchedule.next, .always])
    func aMachineThatIsInstalledBootsFromItsDisk(_ schedule: BootSchedule) async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let host = try await node.enrol(with: engine).host
        try await engine.saveProfile(try Self.profile(), by: Self.user)
        try await engine.setBoot(host, profile: "disks", when: schedule, by: Self.user, correlation: nil)
        let request = BootRequest(mac: node.mac, firmware: .bios)
        // Cut off in the middle, it tries again: what it has loaded spends nothing.
        try await engine.record([Self.step(node, .initramfs, of: "disks")])
        #expect(try await engine.answer(request).profile.name == "disks")
        // Whoever says it in its name, or of another profile, changes nothing.
        try await engine.record([Self.step(node, .installed, of: nil), Self.step(node, .installed, of: "default")])
        #expect(try await engine.answer(request).profile.name == "disks")
        try await engine.record([Self.step(node, .installed, of: "disks")])
        #expect(try await engine.answer(request).profile.mode == .local)
        #expect(try await engine.event(.systemInstalled, host: host) != nil)
        // Told twice it is one event, and what was set meanwhile stays.
        try await engine.setBoot(host, profile: "default", when: .always, by: Self.user, correlation: nil)
        try await engine.record([Self.step(node, .installed, of: "disks")])
        #expect(try await engine.answer(request).profile.name == "default")
        #expect(try await engine.codes().filter { $0 == EventCode.systemInstalled.rawValue }.count == 1)
    }
}
