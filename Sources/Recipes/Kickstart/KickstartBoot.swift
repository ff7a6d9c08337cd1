package import HostModel

extension BootRecipes {
    /// The script that starts the installer of a profile of the mode `kickstart`. The ticket's token is in it, so every
    /// script is good for one installation.
    package func script(
        for answer: BootAnswer,
        ticket: KickstartTicket,
        to request: BootRequest
    ) throws(RecipeError) -> BootScript {
        guard let settings = answer.profile.kickstart else {
            throw .unsupportedMode(profile: answer.profile.name, mode: answer.profile.mode)
        }
        let line = try KernelCommandLine.installer(
            profile: answer.profile.kernelArguments,
            tree: settings.tree,
            kickstart: KickstartText.url(
                plain,
                path: [KickstartRecipes.tokenPath, ticket.token.description]
            ).text,
            mac: request.mac,
            firmware: request.firmware
        )
        let values: [String: ScriptValue] = [
            "image": .screenText(settings.tree.rawValue),
            "kernel": .url(settings.tree, path: ["images", "pxeboot", "vmlinuz"]),
            "initramfs": .url(settings.tree, path: ["images", "pxeboot", "initrd.img"]),
            "arguments": .kernelArguments(line),
            "first_stage": .url(server, path: ["boot", "ipxe"]),
        ]
        return try render(.kickstart, common(answer, request).merging(values) { $1 })
    }
}

extension KernelCommandLine {
    /// The line of Anaconda. A word of the profile takes the place of ours, but never that of the kickstart: the token
    /// is the machine's.
    package static func installer(
        profile: [String],
        tree: WebLocation,
        kickstart: String,
        mac: MACAddress,
        firmware: BootFirmware
    ) throws(RecipeError) -> KernelCommandLine {
        var line = try KernelCommandLine(profile.filter { !$0.hasPrefix("inst.ks=") })
        if !line.sets("inst.stage2") { try line.append("inst.stage2=\(tree.rawValue)") }
        try line.append("inst.ks=\(kickstart)")
        if !line.sets("BOOTIF") { try line.append("BOOTIF=01-\(mac.hyphenated)") }
        if !line.sets("ip") { try line.append("ip=dhcp") }
        if firmware != .bios { try line.append("initrd=\(BootRecipes.initramfsName)") }
        return line
    }
}
