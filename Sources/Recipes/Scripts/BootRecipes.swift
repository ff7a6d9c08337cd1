package import HostModel

/// Writes the boot scripts of one boot server: its templates, and the places that go into them.
package struct BootRecipes: Sendable {
    /// The static first stage: asks the server that it came from for the script of the machine.
    package let firstStage: String
    /// Whence the loader fetches.
    package private(set) var server: ServerLocation
    /// Whence the node and installers fetch, which know clear HTTP.
    let plain: ServerLocation
    package let engine: EngineLocation?
    private let templates: [BootScript.Kind: ScriptTemplate]

    /// The file of the `pxe` directory that holds the first stage.
    package static let firstStageFileName = "boot.ipxe"
    /// The name under which the initramfs is loaded; EFI kernels look it up (`initrd=`).
    package static let initramfsName = "initramfs"

    /// Reads the files by `text`, which gives the text of a file of the `pxe` directory; its error is passed on.
    package init(
        server: ServerLocation,
        engine: EngineLocation?,
        text: (_ fileName: String) throws -> String
    ) throws {
        (self.server, plain, self.engine) = (server, server, engine)
        firstStage = try ScriptTemplate(
            name: Self.firstStageFileName,
            text: try text(Self.firstStageFileName),
            allowed: []
        ).render([:])
        var templates: [BootScript.Kind: ScriptTemplate] = [:]
        for kind in BootScript.Kind.allCases {
            let text = try text(kind.fileName)
            templates[kind] = try ScriptTemplate(name: kind.fileName, text: text, allowed: kind.placeholders)
        }
        self.templates = templates
    }

    /// The same for loaders that came by HTTPS: they fetch so, what they start does not.
    package func secure(at server: ServerLocation) -> BootRecipes {
        var recipes = self
        recipes.server = server
        return recipes
    }

    /// The script that makes a machine do what the directory answered. `token`: by which an announced machine registers.
    package func script(
        for answer: BootAnswer,
        to request: BootRequest,
        token: Nonce? = nil
    ) throws(RecipeError) -> BootScript {
        switch answer.profile.mode {
        case .local: try render(.local, common(answer, request))
        case .deny: try render(.deny, common(answer, request))
        case .install: try install(answer, request)
        // A kickstart needs a ticket: see `script(for:ticket:to:)`.
        case .kickstart:
            throw .unsupportedMode(profile: answer.profile.name, mode: answer.profile.mode)
        case .run where answer.profile.isVerified: try verified(answer, request)
        case .run, .rescue:
            if let manifest = answer.manifest {
                try render(
                    .run,
                    common(answer, request).merging(
                        run(
                            manifest,
                            answer,
                            request,
                            try modeWords(manifest, answer)
                                + (token.map { ["\(NodeArguments.bootTokenName)=\($0)"] } ?? [])
                        )
                    ) { $1 }
                )
            } else {
                try wait(request, reason: "no image is published for the profile \(answer.profile.name)")
            }
        }
    }

    /// Only for a host: a machine that nobody knows would be installed again at every boot, because nothing is kept of it.
    private func install(_ answer: BootAnswer, _ request: BootRequest) throws(RecipeError) -> BootScript {
        guard answer.host != nil else {
            return try wait(request, reason: "only a host that is known is installed; let it register first")
        }
        guard let manifest = answer.manifest else {
            return try wait(request, reason: "no image is published for the profile \(answer.profile.name)")
        }
        let values = try run(manifest, answer, request, try modeWords(manifest, answer))
        return try render(.install, common(answer, request).merging(values) { $1 })
    }

    /// What tells the initramfs to install, and where, or to do nothing but wait for a person; none for other modes.
    func modeWords(_ manifest: ImageManifest, _ answer: BootAnswer) throws(RecipeError) -> [String] {
        if answer.profile.mode == .rescue { return [Self.rescueArgument] }
        guard answer.profile.mode == .install else { return [] }
        guard let settings = answer.profile.install else {
            throw .contradiction(what: "the profile \(answer.profile.name)", reason: "it names no disk")
        }
        guard manifest.file(.loaders) != nil else { throw .missingFile(image: manifest.name, role: .loaders) }
        var words = settings.kernelArguments
        // An image that is all in its initramfs is not named by muster.image=.
        if manifest.file(.root) == nil { words.append("\(Self.installImageArgument)=\(try folder(manifest))") }
        return words
    }

    /// Only for firmware that can check the program; any other machine is told why it gets nothing.
    private func verified(_ answer: BootAnswer, _ request: BootRequest) throws(RecipeError) -> BootScript {
        guard let manifest = answer.manifest else {
            return try wait(request, reason: "no image is published for the profile \(answer.profile.name)")
        }
        guard request.firmware != .bios else {
            return try wait(
                request,
                reason: "the profile \(answer.profile.name) is for UEFI, and BIOS verifies nothing"
            )
        }
        var values = common(answer, request)
        values["image"] = image(manifest)
        values["program"] = try fileURL(manifest, .efi, answer, request)
        return try render(.verified, values)
    }

    private func image(_ manifest: ImageManifest) -> ScriptValue {
        .screenText("\(manifest.name) \(manifest.version), kernel \(manifest.kernelVersion)")
    }

    /// The script that shows a reason, waits, and asks again.
    package func wait(_ request: BootRequest, reason: String) throws(RecipeError) -> BootScript {
        try render(
            .wait,
            [
                "mac": .mac(request.mac), "reason": .screenText(reason),
                "first_stage": .url(server, path: ["boot", "ipxe"]),
            ]
        )
    }

    func render(_ kind: BootScript.Kind, _ values: [String: ScriptValue]) throws(RecipeError) -> BootScript {
        guard let template = templates[kind] else { preconditionFailure("init loads a template of every kind") }
        return BootScript(kind: kind, text: try template.render(values))
    }

    func common(_ answer: BootAnswer, _ request: BootRequest) -> [String: ScriptValue] {
        [
            "mac": .mac(request.mac),
            "host": .screenText(answer.host?.rawValue ?? "a new machine"),
            "profile": .screenText(answer.profile.name),
            "reason": .screenText(answer.reason),
            "event": .url(server, path: ["boot", "event"], query: [("mac", request.mac.hyphenated)]),
        ]
    }

    private func run(
        _ manifest: ImageManifest,
        _ answer: BootAnswer,
        _ request: BootRequest,
        _ further: [String] = []
    ) throws(RecipeError) -> [String: ScriptValue] {
        let line = try commandLine(manifest, answer, request, further, initramfs: Self.initramfsName)
        return [
            "image": image(manifest),
            "kernel": try fileURL(manifest, .kernel, answer, request),
            "initramfs": try fileURL(manifest, .initramfs, answer, request),
            "arguments": .kernelArguments(line),
        ]
    }

    /// `initramfs`: the name by which an EFI kernel finds it, where the loader gives it one.
    func commandLine(
        _ manifest: ImageManifest,
        _ answer: BootAnswer,
        _ request: BootRequest,
        _ further: [String] = [],
        initramfs: String? = nil
    ) throws(RecipeError) -> KernelCommandLine {
        try KernelCommandLine.node(
            image: manifest.kernelArguments,
            profile: answer.profile.kernelArguments + further,
            engine: engine,
            mac: request.mac,
            firmware: initramfs == nil ? .bios : request.firmware,
            initramfs: initramfs ?? "",
            root: try rootFolder(manifest)
        )
    }

    /// Kernel argument: the first stage does nothing by itself.
    private static let rescueArgument = "muster.rescue"
    /// Kernel argument: the image to install where it is not the one of `muster.image=`.
    private static let installImageArgument = "muster.install-image"

    /// The folder that the initramfs fetches its root from; `nil` for an image without one.
    private func rootFolder(_ manifest: ImageManifest) throws(RecipeError) -> String? {
        manifest.file(.root) == nil ? nil : try folder(manifest)
    }

    private func folder(_ manifest: ImageManifest) throws(RecipeError) -> String {
        for name in [manifest.name, manifest.version] where !ImageReference.isComponent(name) {
            throw .unsafeName(value: name)
        }
        return "\(plain.url)/images/\(manifest.name)/\(manifest.version)"
    }

    /// `/images/NAME/VERSION/FILE?mac=…&platform=…&uuid=…&profile=…`: the query tells the server whose boot step it is, and
    /// of which profile.
    func fileURL(
        _ manifest: ImageManifest,
        _ role: ImageManifest.File.Role,
        _ answer: BootAnswer,
        _ request: BootRequest
    ) throws(RecipeError) -> ScriptValue {
        guard let file = manifest.file(role) else { throw .missingFile(image: manifest.name, role: role) }
        for name in [manifest.name, manifest.version, file.name] where !ImageReference.isComponent(name) {
            throw .unsafeName(value: name)
        }
        var query = [("mac", request.mac.hyphenated), ("platform", request.firmware == .bios ? "pcbios" : "efi")]
        if let id = request.hardwareID { query.append(("uuid", id.rawValue)) }
        query.append(("profile", answer.profile.name))
        return .url(
            server,
            path: ["images", manifest.name, manifest.version, file.name],
            query: query
        )
    }
}
