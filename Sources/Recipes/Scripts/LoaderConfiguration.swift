package import HostModel

/// A loader that reads a configuration instead of an iPXE script: one for each machine, made of the same answer.
package enum ConfiguredLoader: String, CaseIterable, Hashable, Sendable {
    /// GRUB, loaded from the network by UEFI.
    case grub
    /// lpxelinux, loaded by BIOS.
    case pxelinux

    /// What a configuration does.
    package enum Purpose: String, CaseIterable, Hashable, Sendable {
        /// Loads a kernel and an initramfs: runs a node, installs one, or rescues a machine.
        case load
        case local
        case deny
        /// Says why there is nothing to boot, and leaves the machine to its firmware.
        case wait

        var placeholders: Set<String> {
            let common: Set = ["host", "mac", "profile", "reason", "title"]
            return self == .load ? common.union(["kernel", "initramfs", "arguments", "event"]) : common
        }
    }

    /// The file of the `pxe` directory.
    package func fileName(_ purpose: Purpose) -> String { "\(purpose.rawValue).\(rawValue).template" }
}

/// Writes the configurations of GRUB and pxelinux for one boot server.
package struct LoaderRecipes: Sendable {
    private let recipes: BootRecipes
    private let templates: [String: ScriptTemplate]

    /// Reads the files by `text`, which gives the text of a file of the `pxe` directory; its error is passed on.
    package init(_ recipes: BootRecipes, text: (_ fileName: String) throws -> String) throws {
        self.recipes = recipes
        var templates: [String: ScriptTemplate] = [:]
        for loader in ConfiguredLoader.allCases {
            for purpose in ConfiguredLoader.Purpose.allCases {
                let name = loader.fileName(purpose)
                templates[name] = try ScriptTemplate(
                    name: name,
                    checked: try text(name),
                    allowed: purpose.placeholders
                )
            }
        }
        self.templates = templates
    }

    /// The configuration that makes a machine do what the directory answered.
    package func configuration(
        _ loader: ConfiguredLoader,
        for answer: BootAnswer,
        to request: BootRequest
    ) throws(RecipeError) -> (purpose: ConfiguredLoader.Purpose, text: String) {
        let mode = answer.profile.mode
        switch mode {
        case .local: return (.local, try render(loader, .local, "boots from its own disk", answer, request))
        case .deny:
            let title = "Muster: \(request.mac) may not boot from here: \(answer.reason)"
            return (.deny, try render(loader, .deny, title, answer, request))
        case .kickstart:
            return try wait(loader, "a kickstart is for iPXE, which fetches its token", answer, request)
        case .run, .rescue, .install: break
        }
        guard !answer.profile.isVerified else {
            let reason = "the profile \(answer.profile.name) is for a signed program, which firmware loads by itself"
            return try wait(loader, reason, answer, request)
        }
        guard let manifest = answer.manifest else {
            return try wait(loader, "no image is published for the profile \(answer.profile.name)", answer, request)
        }
        guard mode != .install || answer.host != nil else {
            return try wait(loader, "only a host that is known is installed; let it register first", answer, request)
        }
        let title = "Muster: \(request.mac) boots \(manifest.name) \(manifest.version)"
        return (.load, try render(loader, .load, title, answer, request, load(loader, manifest, answer, request)))
    }

    /// The configuration that shows a reason.
    package func wait(
        _ loader: ConfiguredLoader,
        _ reason: String,
        _ answer: BootAnswer,
        _ request: BootRequest
    ) throws(RecipeError) -> (purpose: ConfiguredLoader.Purpose, text: String) {
        (.wait, try render(loader, .wait, "Muster: \(request.mac) has nothing to boot yet: \(reason)", answer, request))
    }

    private func load(
        _ loader: ConfiguredLoader,
        _ manifest: ImageManifest,
        _ answer: BootAnswer,
        _ request: BootRequest
    ) throws(RecipeError) -> [String: ScriptValue] {
        let words = try recipes.modeWords(manifest, answer)
        let line = try recipes.commandLine(manifest, answer, request, words)
        if loader == .pxelinux {
            return [
                "kernel": try recipes.fileURL(manifest, .kernel, answer, request),
                "initramfs": try recipes.fileURL(manifest, .initramfs, answer, request),
                "arguments": .kernelArguments(line),
            ]
        }
        return [
            "kernel": try grubFile(manifest, .kernel), "initramfs": try grubFile(manifest, .initramfs),
            "arguments": try .grubArguments(line),
            "event": .grubFile(recipes.server, path: ["boot", "event", request.mac.hyphenated, ""]),
        ]
    }

    private func grubFile(
        _ manifest: ImageManifest,
        _ role: ImageManifest.File.Role
    ) throws(RecipeError) -> ScriptValue {
        guard let file = manifest.file(role) else { throw .missingFile(image: manifest.name, role: role) }
        for name in [manifest.name, manifest.version, file.name] where !ImageReference.isComponent(name) {
            throw .unsafeName(value: name)
        }
        return .grubFile(recipes.server, path: ["images", manifest.name, manifest.version, file.name])
    }

    private func render(
        _ loader: ConfiguredLoader,
        _ purpose: ConfiguredLoader.Purpose,
        _ title: String,
        _ answer: BootAnswer,
        _ request: BootRequest,
        _ more: [String: ScriptValue] = [:]
    ) throws(RecipeError) -> String {
        guard let template = templates[loader.fileName(purpose)] else {
            preconditionFailure("init loads a template of every purpose")
        }
        var values = recipes.common(answer, request)
        values["title"] = loader == .grub ? .grubText(title) : .screenText(title)
        return try template.render(values.merging(more) { $1 })
    }
}
