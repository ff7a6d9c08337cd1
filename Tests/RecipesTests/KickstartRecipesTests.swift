import Glibc
import HostModel
import Recipes
import Subprocess
import SystemPackage
import Testing

@Suite struct KickstartRecipesTests {
    private static func texts() throws -> [String: String] {
        let recipes = try PXEFiles.kickstartRecipes(engine: KickstartSamples.engine)
        return try KickstartSamples.all().mapValues { try recipes.text(for: $0) }
    }

    // MARK: Goldens

    @Test("every variant of a kickstart renders to its golden (UPDATE_GOLDENS=1 rewrites them)")
    func goldens() throws {
        for (name, text) in try Self.texts() {
            let path = "\(PXEFiles.goldens)/Kickstart/\(name).ks"
            if getenv("UPDATE_GOLDENS") != nil { try PXEFiles.write(text, to: path) }
            #expect(try PXEFiles.text(path) == text, "\(name).ks differs")
        }
        let files = Set(try PXEFiles.names(in: PXEFiles.kickstartDirectory)).subtracting(["README.md"])
        #expect(files == Set(KickstartRecipes.File.allCases.map(\.rawValue)))
        let kept = Set(try PXEFiles.names(in: "\(PXEFiles.goldens)/Kickstart"))
        #expect(kept == Set(try Self.texts().keys.map { "\($0).ks" }), "a golden that nothing renders")
    }

    @Test("pykickstart's ksvalidator finds no fault in any variant, by the syntax of RHEL 9", .timeLimit(.minutes(3)))
    func validates() async throws {
        let python = try await Self.python()
        let paths = try Self.texts().keys.sorted().map { "\(PXEFiles.goldens)/Kickstart/\($0).ks" }
        let result = try await Subprocess.run(
            .path(FilePath("\(python)/bin/ksvalidator")),
            arguments: Arguments(["--version", "RHEL9"] + paths),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)\n\(result.standardError)")
        let lines = result.standardOutput.split(separator: "\n").filter { !$0.hasPrefix("Checking kickstart file") }
        #expect(lines.isEmpty, "ksvalidator warns: \(lines.joined(separator: "\n"))")
    }

    @Test("the validator would notice: a disk option that does not exist is refused")
    func theValidatorIsAwake() async throws {
        let python = try await Self.python()
        let golden = try PXEFiles.text("\(PXEFiles.goldens)/Kickstart/plain-lvm-dhcp-bios.ks")
        let broken = golden.replacing("--only-use=", with: "--disk=")
        let path = "/tmp/muster-broken-\(getpid()).ks"
        try PXEFiles.write(broken, to: path)
        defer { unlink(path) }
        let result = try await Subprocess.run(
            .path(FilePath("\(python)/bin/ksvalidator")),
            arguments: ["--version", "RHEL9", path],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(!result.terminationStatus.isSuccess)
    }

    /// The environment of the tests; made by `packaging/python`, which needs PyPI the first time.
    private static func python() async throws -> String {
        let root = PXEFiles.kickstartDirectory.dropLast("/kickstart".count)
        let result = try await Subprocess.run(
            .path(FilePath("\(root)/packaging/python")),
            output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16)
        )
        try #require(
            result.terminationStatus.isSuccess,
            "ksvalidator cannot be had, so no kickstart was judged: \(result.standardError)"
        )
        return String(result.standardOutput.prefix { $0 != "\n" })
    }

    // MARK: What every kickstart holds to

    @Test("no command touches a disk that is not named, and every named one is by-id")
    func namedDisksOnly() throws {
        for (name, text) in try Self.texts() {
            let commands = text.split(separator: "\n").map { $0.split(separator: " ") }
            let kickstart = try #require(try KickstartSamples.all()[name])
            let paths = kickstart.machine.storage.disks.map(\.path)
            let all = paths.joined(separator: ",")
            #expect(
                commands.filter { $0.first == "ignoredisk" } == [["ignoredisk", "--only-use=\(all)"].map { $0[...] }]
            )
            let clear = try #require(commands.first { $0.first == "clearpart" })
            #expect(clear.contains("--drives=\(all)"))
            #expect(clear.contains(kickstart.machine.storage.wipe ? "--all" : "--none"))
            for part in commands where part.first == "part" {
                let disk = try #require(part.first { $0.hasPrefix("--ondisk=") })
                #expect(paths.contains(String(disk.dropFirst("--ondisk=".count))), "\(part)")
            }
        }
    }

    @Test("oVirt's layout has a pool of 40 GiB at least, its seven volumes, and fits its volume group")
    func thinLayout() throws {
        for (name, text) in try Self.texts() where name.contains("thin") {
            let volumes = text.split(separator: "\n").filter { $0.hasPrefix("logvol ") }
            let pool = try #require(volumes.first { $0.contains(" --thinpool") })
            #expect(pool.contains("--size=40960"))
            let mounts = volumes.filter { $0.contains(" --thin ") }.map { $0.split(separator: " ")[1] }
            #expect(mounts == ["/", "/var", "/var/crash", "/var/log", "/var/log/audit", "/home", "/tmp"])
        }
    }

    @Test("a kickstart without an engine to register with is refused")
    func needsAnEngine() throws {
        let recipes = try PXEFiles.kickstartRecipes(engine: nil)
        let storage = try KickstartSamples.storage(KickstartSamples.disks("virtio-DISK0001"))
        #expect(throws: RecipeError.engineUnknown) { try recipes.text(for: KickstartSamples.plain(storage)) }
    }

    // MARK: Injection

    @Test(
        "what a person or a machine names changes no command of a kickstart",
        arguments: [
            "x\n%post\nreboot\n%end", "x\r\nrootpw secret", "%end", "\"; reboot; \"", "`reboot`", "$(reboot)", "#",
            "{{storage}}", "\\", "'", "\u{0}", "\u{2028}part /", "ü",
        ]
    )
    func hostileProfile(text: String) throws {
        let recipes = try PXEFiles.kickstartRecipes(engine: KickstartSamples.engine)
        let plain = try KickstartSamples.plain(try KickstartSamples.storage(KickstartSamples.disks("virtio-DISK0001")))
        var hostile = plain
        hostile.profile = text
        let lines = try recipes.text(for: plain).split(separator: "\n", omittingEmptySubsequences: false)
        let others = try recipes.text(for: hostile).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == others.count)
        #expect(Array(lines.dropFirst()) == Array(others.dropFirst()), "only the comment differs")
        #expect(others[0].hasPrefix("# ") && others[0].utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test(
        "interface names that the kernel takes but a kickstart list cannot carry are refused",
        arguments: [
            "a,b", "a;b", "a\"b", "a'b", "a=b", "$(x)", "`x`", "--device",
        ]
    )
    func hostileLink(text: String) throws {
        let recipes = try PXEFiles.kickstartRecipes(engine: KickstartSamples.engine)
        let storage = try KickstartSamples.storage(KickstartSamples.disks("virtio-DISK0001"))
        let link = try #require(LinkName(text))
        if text == "--device" {
            // A name like an option is one word behind `--device=`.
            let sample = try KickstartSamples.plain(storage, network: InstallNetwork(link: .name(link)))
            #expect(try recipes.text(for: sample).contains("--device=--device "))
            return
        }
        var bond = try KickstartSamples.bonded()
        bond.bond?.links = [link]
        for network in [InstallNetwork(link: .name(link)), bond] {
            #expect(throws: RecipeError.self) {
                try recipes.text(for: KickstartSamples.plain(storage, network: network))
            }
        }
    }

    @Test("an image's name that is no plain component is refused", arguments: ["", "../x", "a b", "A", "a/b", "a?b"])
    func hostileImage(text: String) throws {
        let recipes = try PXEFiles.kickstartRecipes(engine: KickstartSamples.engine)
        let storage = try KickstartSamples.storage(KickstartSamples.disks("virtio-DISK0001"))
        var kickstart = try KickstartSamples.node(storage)
        kickstart.payload = .image(
            Kickstart.Image(name: "node", version: "1", file: text, sha256: try KickstartSamples.nonce("ef"))
        )
        #expect(throws: RecipeError.unsafeName(value: text)) { try recipes.text(for: kickstart) }
    }

    // MARK: Words

    @Test(arguments: [
        ("plain", "plain"), ("--size=1", "--size=1"), ("$6$a/b.c", "$6$a/b.c"), ("a b", "\"a b\""),
        ("a\"b", "\"a\\\"b\""), ("a\\b", "\"a\\\\b\""), ("a#b", "\"a#b\""), ("a'b", "\"a'b\""), ("a;b", "\"a;b\""),
    ])
    func quotesWords(text: String, quoted: String) throws {
        #expect(try KickstartText.word(text).text == quoted)
    }

    @Test(arguments: ["", "a\nb", "a\tb", "a\u{0}b", "ü", "a\u{2028}b"])
    func refusesWords(text: String) {
        #expect(throws: RecipeError.unsafeWord(value: text)) { try KickstartText.word(text) }
    }

    @Test(arguments: [
        ("", "''"), ("a b", "'a b'"), ("$(x)`y`", "'$(x)`y`'"), ("it's", "'it'\\''s'"), ("\\", "'\\'"),
        ("%end", "'%end'"),
    ])
    func quotesForTheShell(text: String, quoted: String) throws {
        #expect(try KickstartText.shell(text).text == quoted)
    }

    @Test("a template with a placeholder that nobody fills is refused before anything is served")
    func unknownPlaceholder() {
        for file in KickstartRecipes.File.allCases {
            #expect(throws: RecipeError.unknownPlaceholder(template: file.rawValue, name: "password")) {
                _ = try KickstartRecipes(server: ServerLocation(address: .loopback), engine: nil) { name in
                    name == file.rawValue ? "{{password}}" : ""
                }
            }
        }
    }
}
