import Glibc
import HostModel
import Recipes
import Subprocess
import Testing

/// The configurations of GRUB and pxelinux, made of the same answers as iPXE's scripts.
@Suite struct LoaderConfigurationTests {
    private static let digest = String(repeating: "0f", count: 32)

    private static func request() throws -> BootRequest {
        BootRequest(mac: try #require(MACAddress("52:54:00:12:34:56")), firmware: .uefi)
    }

    private static func answer(_ mode: BootProfile.Mode, reason: String = "unknown machine") throws -> BootAnswer {
        let sha = try #require(Nonce(hex: digest))
        let roles: [(String, ImageManifest.File.Role)] = [
            ("vmlinuz", .kernel), ("initramfs.img", .initramfs), ("root.squashfs", .root), ("loaders.cpio", .loaders),
        ]
        let manifest = ImageManifest(
            name: "node-minimal",
            version: "0123456789ab",
            architecture: "x86_64",
            kernelVersion: "6.1.0-56-amd64",
            kernelArguments: ["quiet"],
            files: roles.map { .init(name: $0.0, role: $0.1, size: 8_000_000, sha256: sha) }
        )
        let disk = try #require(DiskWord("rule:bus=nvme,size>=400G"))
        let profile = BootProfile(
            name: "default",
            mode: mode,
            kernelArguments: ["console=ttyS0"],
            install: mode == .install ? DiskInstallSettings(disk: disk) : nil
        )
        let hasImage = [.run, .install, .rescue].contains(mode)
        return BootAnswer(
            profile: profile,
            manifest: hasImage ? manifest : nil,
            reason: reason,
            host: HostName("node-5a31")
        )
    }

    static func recipes(port: UInt16 = 80) throws -> LoaderRecipes {
        let address = try #require(IPv4Address("10.77.0.1"))
        let text: (String) throws -> String = { try PXEFiles.text("\(PXEFiles.directory)/\($0)") }
        let engine = EngineLocation(server: "engine.example:8443", fingerprint: digest)
        let server = ServerLocation(address: address, port: port)
        return try LoaderRecipes(try BootRecipes(server: server, engine: engine, text: text), text: text)
    }

    /// By the name of the golden.
    static func renderings() throws -> [String: (file: String, text: String)] {
        let recipes = try recipes()
        var renderings: [String: (file: String, text: String)] = [:]
        for loader in ConfiguredLoader.allCases {
            for mode in [BootProfile.Mode.run, .install, .rescue, .local, .deny] {
                let made = try recipes.configuration(loader, for: answer(mode), to: request())
                renderings["\(mode.rawValue).\(loader.rawValue)"] = (loader.fileName(made.purpose), made.text)
            }
            let wait = try recipes.wait(loader, "the engine does not answer", answer(.local), request())
            renderings["wait.\(loader.rawValue)"] = (loader.fileName(.wait), wait.text)
        }
        return renderings
    }

    @Test("nothing of a value is acted on (A17): no newline, no setting, no end of a command, no quote")
    func hostileValues() throws {
        let recipes = try Self.recipes()
        let signs = ["\n", "\r", "${", "$", "&&", "||", ";", "'", "\"", "`", "\\"]
        for loader in ConfiguredLoader.allCases {
            for mode in [BootProfile.Mode.run, .local, .deny] {
                let plain = try recipes.configuration(loader, for: Self.answer(mode, reason: "x"), to: Self.request())
                for sign in signs {
                    let hostile = try Self.answer(mode, reason: "x\(sign)reboot")
                    let text = try recipes.configuration(loader, for: hostile, to: Self.request()).text
                    let rest = text.replacing(PercentEncoding.encode("x\(sign)reboot"), with: "x")
                    #expect(rest == plain.text, "\(loader) \(mode) \(sign.debugDescription)")
                }
            }
        }
    }

    @Test("GRUB's own reader takes its configurations") func grubReads() async throws {
        for (golden, _) in try Self.renderings() where golden.hasSuffix(".grub") {
            let result = try await run(
                .name("grub-script-check"),
                arguments: ["\(PXEFiles.goldens)/\(golden)"],
                output: .discarded,
                error: .string(limit: 1 << 14)
            )
            #expect(result.terminationStatus.isSuccess, "\(golden): \(result.standardError)")
        }
    }

    @Test("what a loader cannot do is told on the machine's screen")
    func waits() throws {
        for loader in ConfiguredLoader.allCases {
            var bare = try Self.answer(.run)
            bare.manifest = nil
            var stranger = try Self.answer(.install)
            stranger.host = nil
            // Nothing of it would be verified.
            var signed = try Self.answer(.run)
            signed.profile.loader = .signed
            for answer in [bare, stranger, signed, try Self.answer(.kickstart)] {
                let made = try Self.recipes().configuration(loader, for: answer, to: Self.request())
                #expect(made.purpose == .wait && made.text.contains("has nothing to boot yet"))
            }
        }
    }

    @Test func pxelinuxKnowsAnotherPort() throws {
        let text = try Self.recipes(port: 8080).configuration(.pxelinux, for: Self.answer(.run), to: Self.request())
            .text
        #expect(text.contains("LINUX http://10.77.0.1:8080/images/"))
    }
}
