import Engine
import HostModel
import Testing

/// What profiles were, and the way back.
@Suite struct ProfileVersionTests {
    private static let user = "admin@internal"

    private static func quiet(_ words: [String]) -> BootProfile {
        BootProfile(name: "quiet", mode: .run, image: ImageReference("node-minimal"), kernelArguments: words)
    }

    @Test("every change is a version, and a rollback is one too")
    func rollback() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await installation.open()
        for words in [["a"], ["b"], ["b"], ["c"]] { try await engine.saveProfile(Self.quiet(words), by: Self.user) }
        #expect(try await engine.profileVersions("quiet").map(\.profile.kernelArguments) == [["c"], ["b"], ["a"]])
        _ = try await engine.rollBackProfile("quiet", to: nil, by: "operator@internal")
        #expect(try await engine.profile("quiet").kernelArguments == ["b"])
        _ = try await engine.rollBackProfile("quiet", to: 1, by: Self.user)
        #expect(try await engine.profile("quiet").kernelArguments == ["a"])
        let versions = try await engine.profileVersions("quiet")
        #expect(versions.map(\.version) == [5, 4, 3, 2, 1])
        #expect(versions[1].user == "operator@internal")
    }

    @Test("what is not there is refused, and a new installation's profiles have their first version")
    func refusals() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await installation.open()
        #expect(try await engine.profileVersions("default").map(\.version) == [1])
        for (name, version, kind) in [
            ("default", nil, EngineError.Kind.conflict), ("default", 7, .conflict), ("nope", nil, .notFound),
        ] {
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.rollBackProfile(name, to: version, by: Self.user)
            }
            #expect(refusal?.kind == kind)
        }
    }

    @Test("the oldest versions leave")
    func limit() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await installation.open()
        for number in 1...60 { try await engine.saveProfile(Self.quiet(["n=\(number)"]), by: Self.user) }
        let versions = try await engine.profileVersions("quiet")
        #expect(versions.count == 50 && versions.last?.version == 11)
        try await engine.removeProfile("quiet", by: Self.user)
        try await engine.saveProfile(Self.quiet([]), by: Self.user)
        #expect(try await engine.profileVersions("quiet").map(\.version) == [1])
    }

    @Test(arguments: ["adminpw=$6$x", "muster.token=00ff", "inst.rootpw=x"])
    func aSecretIsNoKernelArgument(_ word: String) async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await installation.open()
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.saveProfile(Self.quiet([word]), by: Self.user)
        }
        #expect(refusal?.kind == .invalid)
    }

    @Test("a signed program is for the mode run, and takes no kernel arguments")
    func signedPrograms() async throws {
        let installation = try await TestInstallation()
        defer { withExtendedLifetime(installation) {} }
        let engine = try await installation.open()
        var good = Self.quiet([])
        good.loader = .signed
        try await engine.saveProfile(good, by: Self.user)
        #expect(try await engine.profile("quiet") == good)
        var (words, local) = (good, BootProfile(name: "quiet", mode: .local, loader: .signed))
        words.kernelArguments = ["quiet"]
        local.image = nil
        for bad in [words, local] {
            let refusal = await #expect(throws: EngineError.self) { try await engine.saveProfile(bad, by: Self.user) }
            #expect(refusal?.kind == .invalid)
        }
    }
}
