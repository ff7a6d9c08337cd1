import Glibc
import HostModel
import Recipes
import Testing

@Suite struct BootRecipesTests {
    private static let digest = String(repeating: "0f", count: 32)

    private static func manifest(arguments: [String] = ["quiet"], file: String = "vmlinuz") throws -> ImageManifest {
        let sha = try #require(Nonce(hex: digest))
        return ImageManifest(
            name: "node-minimal",
            version: "0123456789ab",
            architecture: "x86_64",
            kernelVersion: "6.1.0-56-amd64",
            kernelArguments: arguments,
            files: [
                .init(name: file, role: .kernel, size: 8_000_000, sha256: sha),
                .init(name: "initramfs.img", role: .initramfs, size: 12_000_000, sha256: sha),
            ]
        )
    }

    private static func request(_ firmware: BootFirmware = .bios) throws -> BootRequest {
        BootRequest(mac: try #require(MACAddress("52:54:00:12:34:56")), firmware: firmware)
    }

    private static func answer(
        _ mode: BootProfile.Mode,
        manifest: ImageManifest? = nil,
        arguments: [String] = [],
        reason: String = "unknown machine"
    ) -> BootAnswer {
        let profile = BootProfile(name: "default", mode: mode, kernelArguments: arguments)
        return BootAnswer(profile: profile, manifest: manifest, reason: reason, host: HostName("node-5a31"))
    }

    private static func installable(_ manifest: ImageManifest) throws -> ImageManifest {
        var manifest = manifest
        let sha = try #require(Nonce(hex: digest))
        manifest.files.append(.init(name: "loaders.cpio", role: .loaders, size: 3_000_000, sha256: sha))
        return manifest
    }

    private static func install(
        _ manifest: ImageManifest?,
        disk: String = "rule:bus=nvme,size>=400G",
        wipe: String? = nil,
        host: String? = "node-5a31"
    ) throws -> BootAnswer {
        var answer = answer(.install, manifest: manifest)
        answer.profile.install = DiskInstallSettings(
            disk: try #require(DiskWord(disk)),
            wipe: wipe.flatMap { DiskWord($0) }
        )
        answer.host = host.flatMap { HostName($0) }
        return answer
    }

    /// For the loader `signed`, of an image that has the program.
    private static func signed() throws -> BootAnswer {
        var manifest = try manifest()
        let sha = try #require(Nonce(hex: digest))
        manifest.files.append(.init(name: "node-minimal.efi", role: .efi, size: 30_000_000, sha256: sha))
        var answer = answer(.run, manifest: manifest)
        answer.profile.loader = .signed
        return answer
    }

    @Test("an image without a signed program is an error for the loader signed")
    func missingProgram() throws {
        var answer = try Self.signed()
        answer.manifest?.files.removeLast()
        let recipes = try PXEFiles.recipes(engine: nil)
        #expect(throws: RecipeError.missingFile(image: "node-minimal", role: .efi)) {
            try recipes.script(for: answer, to: Self.request(.uefi))
        }
    }

    // MARK: Goldens

    /// Every way in which a file of `pxe/` is rendered, by the name of its golden.
    private static func renderings() throws -> [String: (file: String, text: String)] {
        let engine = EngineLocation(server: "engine.example:8443", fingerprint: digest)
        let recipes = try PXEFiles.recipes(engine: engine)
        let run = answer(.run, manifest: try manifest(), arguments: ["console=ttyS0"])
        var rooted = try manifest()
        let sha = try #require(Nonce(hex: digest))
        rooted.files.append(.init(name: "root.squashfs", role: .root, size: 200_000_000, sha256: sha))
        let live = answer(.run, manifest: rooted)
        let scripts: [(String, BootScript)] = [
            ("run-root.ipxe", try recipes.script(for: live, to: request(.bios))),
            ("install-bios.ipxe", try recipes.script(for: install(installable(manifest())), to: request(.bios))),
            (
                "install-efi.ipxe",
                try recipes.script(for: install(installable(rooted), wipe: "S3X1NB0K"), to: request(.uefi))
            ),
            ("verified.ipxe", try recipes.script(for: signed(), to: request(.uefi))),
            ("verified-bios.ipxe", try recipes.script(for: signed(), to: request(.bios))),
            ("rescue.ipxe", try recipes.script(for: answer(.rescue, manifest: rooted), to: request(.bios))),
            ("run-bios.ipxe", try recipes.script(for: run, to: request(.bios))),
            ("run-efi.ipxe", try recipes.script(for: run, to: request(.uefi))),
            ("kickstart-bios.ipxe", try KickstartSamples.bootScript(recipes, request(.bios))),
            ("kickstart-efi.ipxe", try KickstartSamples.bootScript(recipes, request(.uefi))),
            ("local.ipxe", try recipes.script(for: answer(.local), to: request())),
            ("deny.ipxe", try recipes.script(for: answer(.deny, reason: "denied by admin@internal"), to: request())),
            ("wait.ipxe", try recipes.script(for: answer(.run), to: request())),
            ("wait-engine.ipxe", try recipes.wait(request(), reason: "the engine does not answer")),
        ]
        var renderings = ["boot.ipxe": (BootRecipes.firstStageFileName, recipes.firstStage)]
        for (golden, script) in scripts { renderings[golden] = (script.kind.fileName, script.text) }
        let menu = try BootMenu(template: try PXEFiles.text("\(PXEFiles.directory)/\(BootMenu.fileName)"))
        let arguments = ["console=tty0", "console=ttyS0,115200n8", "muster.image=medium:NODE_MINIMAL_01234567"]
        let text = try menu.render(
            title: "node-minimal 0123456789ab, kernel 6.1.0-56-amd64",
            arguments: arguments,
            medium: VolumeID(image: "node-minimal", version: "0123456789ab")
        )
        renderings["grub.cfg"] = (BootMenu.fileName, text)
        // Goes to the disk as it is.
        renderings["installed.cfg"] = ("installed.cfg", try PXEFiles.text("\(PXEFiles.directory)/installed.cfg"))
        return renderings.merging(try LoaderConfigurationTests.renderings()) { first, _ in first }
    }

    @Test("every file of pxe/ renders to its golden (UPDATE_GOLDENS=1 rewrites them)")
    func goldens() throws {
        let renderings = try Self.renderings()
        #expect(Set(renderings.values.map(\.file)) == Set(try PXEFiles.names()), "a file of pxe/ has no golden")
        for (golden, rendering) in renderings {
            let path = "\(PXEFiles.goldens)/\(golden)"
            if getenv("UPDATE_GOLDENS") != nil { try PXEFiles.write(rendering.text, to: path) }
            #expect(try PXEFiles.text(path) == rendering.text, "\(golden) differs")
        }
    }

    // MARK: Injection

    @Test(
        "what a machine or a person names changes no command of a script (H12)",
        arguments: [
            "x\nshell", "x || shell", "x && shell", "; shell", "# ", "${serial}", "\\", "x\\\nshell", "\r\nshell\r\n",
            "{{event}}", "\u{0}", "\u{2028}shell", "%0Ashell",
            "\"", "'", "x\" || shell",
        ]
    )
    func hostileReason(text: String) throws {
        let recipes = try PXEFiles.recipes()
        for mode in [BootProfile.Mode.run, .local, .deny] {
            let manifest = mode == .run ? try Self.manifest() : nil
            let plain = Self.answer(mode, manifest: manifest, reason: "plain")
            let hostile = Self.answer(mode, manifest: manifest, reason: text)
            let expected = Self.commands(try recipes.script(for: plain, to: Self.request()).text)
            #expect(Self.commands(try recipes.script(for: hostile, to: Self.request()).text) == expected)
        }
        let plain = Self.commands(try recipes.wait(Self.request(), reason: "plain").text)
        #expect(Self.commands(try recipes.wait(Self.request(), reason: text).text) == plain)
    }

    /// The command words of a script as iPXE finds them (src/core/exec.c and script.c): lines, white space, terminators.
    /// Only the first word of a command counts here, and settings that are expanded, wherever they stand.
    private static func commands(_ script: String) -> [String] {
        var found: [String] = []
        let joined = script.replacing("\r\n", with: "\n").replacing("\\\n", with: "")
        for line in joined.split(separator: "\n") {
            var words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
            if words.first?.hasPrefix(":") == true { found.append(words.removeFirst()) }
            var isFirst = true
            for word in words {
                if word.hasPrefix("#") { break }
                if isFirst { found.append(word) }
                isFirst = ["||", "&&", ";"].contains(word)
                if word.contains("${") { found.append(word) }
            }
        }
        return found
    }

    @Test("an unsafe word of a profile or an image is refused, not sent")
    func hostileArguments() throws {
        let recipes = try PXEFiles.recipes()
        for word in ["a b", "x\nshell", "${serial}"] {
            let byProfile = Self.answer(.run, manifest: try Self.manifest(), arguments: [word])
            let byImage = Self.answer(.run, manifest: try Self.manifest(arguments: [word]))
            for answer in [byProfile, byImage] {
                #expect {
                    try recipes.script(for: answer, to: Self.request())
                } throws: { error in
                    guard case .unsafeArgument(word, _) = error as? RecipeError else { return false }
                    return true
                }
            }
        }
    }

    @Test("a file name of a manifest that is no path component is refused")
    func hostileFileName() throws {
        let recipes = try PXEFiles.recipes()
        for name in ["../../etc/shadow", "a b", "", ".hidden"] {
            let answer = Self.answer(.run, manifest: try Self.manifest(file: name))
            #expect(throws: RecipeError.unsafeName(value: name)) { try recipes.script(for: answer, to: Self.request()) }
        }
    }

    @Test("a profile that names a root image of its own is obeyed")
    func rootOfTheProfile() throws {
        var manifest = try Self.manifest()
        let sha = try #require(Nonce(hex: Self.digest))
        manifest.files.append(.init(name: "root.squashfs", role: .root, size: 200_000_000, sha256: sha))
        let own = "muster.image=http://10.9.0.1/images/node/v1"
        let answer = Self.answer(.run, manifest: manifest, arguments: [own])
        let text = try PXEFiles.recipes().script(for: answer, to: Self.request()).text
        #expect(text.contains(own))
        #expect(!text.contains("muster.image=http://10.77.0.1"))
    }

    @Test("a loader that came by HTTPS fetches so, and what it starts does not")
    func loadersByHTTPS() throws {
        var manifest = try Self.manifest()
        let sha = try #require(Nonce(hex: Self.digest))
        manifest.files.append(.init(name: "root.squashfs", role: .root, size: 200_000_000, sha256: sha))
        let plain = try PXEFiles.recipes()
        var server = plain.server
        (server.port, server.isSecure) = (8443, true)
        let text = try plain.secure(at: server).script(for: Self.answer(.run, manifest: manifest), to: Self.request())
            .text
        for file in ["vmlinuz", "initramfs.img"] {
            #expect(text.contains(" https://10.77.0.1:8443/images/node-minimal/0123456789ab/\(file)?"))
        }
        #expect(text.contains("muster.image=http://10.77.0.1/images/node-minimal/0123456789ab"))
        server.port = 443
        #expect(server.url == "https://10.77.0.1")
    }

    @Test func anImageWithoutAKernelIsRefused() throws {
        var manifest = try Self.manifest()
        manifest.files.removeAll { $0.role == .kernel }
        let answer = Self.answer(.run, manifest: manifest)
        #expect(throws: RecipeError.missingFile(image: "node-minimal", role: .kernel)) {
            try PXEFiles.recipes().script(for: answer, to: Self.request())
        }
    }

    @Test(arguments: [BootProfile.Mode.kickstart])
    func aModeWithoutAScriptIsRefused(mode: BootProfile.Mode) {
        #expect(throws: RecipeError.unsupportedMode(profile: "default", mode: mode)) {
            try PXEFiles.recipes().script(for: Self.answer(mode), to: Self.request())
        }
    }

    @Test("a machine that is no host, or whose image is not there yet, waits; one without loaders or a disk is refused")
    func whatIsNotInstalled() throws {
        let recipes = try PXEFiles.recipes()
        let rooted = try Self.installable(try Self.manifest())
        #expect(try recipes.script(for: Self.install(rooted, host: nil), to: Self.request()).kind == .wait)
        #expect(try recipes.script(for: Self.install(nil), to: Self.request()).kind == .wait)
        #expect(throws: RecipeError.missingFile(image: "node-minimal", role: .loaders)) {
            try recipes.script(for: Self.install(Self.manifest()), to: Self.request())
        }
        #expect(throws: RecipeError.self) {
            try recipes.script(for: Self.answer(.install, manifest: rooted), to: Self.request())
        }
        // A blank would make two words of it.
        #expect(throws: RecipeError.self) {
            try recipes.script(for: Self.install(rooted, disk: "serial=A B"), to: Self.request())
        }
    }

    @Test("a broken template fails the start, whichever it is", arguments: BootScript.Kind.allCases)
    func brokenTemplate(kind: BootScript.Kind) throws {
        let address = try #require(IPv4Address("10.77.0.1"))
        #expect(throws: RecipeError.unknownPlaceholder(template: kind.fileName, name: "shell")) {
            _ = try BootRecipes(server: ServerLocation(address: address), engine: nil) { name in
                name == kind.fileName ? "#!ipxe\n{{shell}}\n" : "#!ipxe\n"
            }
        }
    }
}
