import BootServer
package import HostModel

// The engine's side of `BootDirectory`, and what people set about boots.

extension HostEngine {
    package func answer(_ request: BootRequest) async throws -> BootAnswer {
        try await store.bootAnswer(request, deniedBefore: settings.clock.now() - settings.boot.denyWindow)
    }

    /// Records boot steps as events, up to the limits of `BootLimits`; one that is not recorded still spends the profile
    /// of the next boot.
    package func record(_ events: [BootEvent]) async throws {
        let now = settings.clock.now()
        let steps = Array(events.prefix(Self.bootEventsMax))
        var heard: [Bool] = []
        for (step, host) in zip(steps, try await store.hosts(of: steps)) {
            let machine = host?.rawValue ?? "\(step.mac)"
            heard.append(bootRates.allows(machine, isHost: host != nil, at: now))
        }
        let told = zip(steps, heard).map { BootStepReport(step: $0, isTold: $1, time: now) }
        try await store.record(told, at: now)
    }

    /// Boot steps taken of one call.
    static let bootEventsMax = 256

    /// The fixed addresses of hosts, and those that approved hosts have.
    package func reservations() async throws -> [AddressReservation] { try await store.reservations() }

    /// Fixes the address that a host is given from its next boot on; `nil` leaves it the one that it has.
    package func setFixedAddress(
        _ id: UniqueID,
        _ address: IPv4Address?,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        if let address, !(1...223).contains(address.octets[0]) || address.octets[0] == 127 {
            throw EngineError(
                .invalid,
                "No machine can have the address \(address).",
                remedy: "Give one of the network that the boot server serves."
            )
        }
        try await store.setFixedAddress(id, address, context: context(by: user, correlation))
    }

    /// Sets what a host boots, the next time only or from now on; `nil` takes what was set away.
    package func setBoot(
        _ id: UniqueID,
        profile: String?,
        when schedule: BootSchedule,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        try await store.setBoot(id, profile: profile, when: schedule, context: context(by: user, correlation))
    }

    package func profiles() async throws(EngineError) -> [BootProfile] { try await store.profiles() }

    package func profile(_ name: String) async throws(EngineError) -> BootProfile { try await store.profile(name) }

    /// Makes or changes a profile, if it says something that can be booted.
    package func saveProfile(_ profile: BootProfile, by user: String) async throws(EngineError) {
        try profile.check()
        let now = settings.clock.now()
        try await store.write { [store] db in
            try store.save(profile, by: user, at: now, in: db)
            let text = "The boot profile \(profile.name) was saved."
            try store.record(Occurrence(.profileSaved, .normal, text, user: user), at: now, in: db)
        }
    }

    package func removeProfile(_ name: String, by user: String) async throws(EngineError) {
        try await store.removeProfile(name, by: user, at: settings.clock.now())
    }
}

extension BootProfile {
    /// Words of the kernel command line, and bytes of all of them: the kernel takes 2048 bytes in all.
    static let argumentsMax = 64
    static let argumentBytesMax = 1024

    /// A profile's words end up in boot scripts: what is not plainly a word is refused, not escaped.
    func check() throws(EngineError) {
        guard Self.isName(name) else {
            throw EngineError(
                .invalid,
                "A profile's name is a lower-case letter, then up to 62 letters, digits and hyphens."
            )
        }
        switch mode {
        case .local, .deny:
            guard image == nil else { throw EngineError(.invalid, "A profile of mode \(mode.rawValue) has no image.") }
        case .kickstart: break
        case .run, .install, .rescue:
            guard image != nil else {
                throw EngineError(.invalid, "A profile of mode \(mode.rawValue) needs an image.")
            }
        }
        guard (mode == .kickstart) == (kickstart != nil) else {
            throw EngineError(
                .invalid,
                "A profile of mode kickstart has kickstart settings, and no other has.",
                remedy: "Give it the key \"kickstart\" with at least a \"tree\" (docs/kickstart.md)."
            )
        }
        guard (mode == .install) == (install != nil) else {
            throw EngineError(
                .invalid,
                "A profile of mode install names a disk, and no other does.",
                remedy: "Give it the key \"install\" with a \"disk\", or use `muster profile install`."
            )
        }
        try checkInstall()
        try checkVerified()
        try checkSecrets()
        let bytes = kernelArguments.reduce(0) { $0 + $1.utf8.count + 1 }
        guard kernelArguments.count <= Self.argumentsMax, bytes <= Self.argumentBytesMax else {
            throw EngineError(.invalid, "The kernel arguments are longer than \(Self.argumentBytesMax) bytes.")
        }
        guard let bad = kernelArguments.first(where: { !Self.isArgument($0) }) else { return }
        throw EngineError(
            .invalid,
            "The kernel argument \(terminalEscaped(bad.prefix(64))) holds a character that boot scripts cannot carry.",
            remedy: "Use letters, digits and the characters _ - . , : = / @ + % ! ~ [ ]."
        )
    }

    /// Words whose value somebody could use or guess at: boot scripts go over clear HTTP to whoever names the machine.
    private static let secretWords = [NodeArguments.bootTokenName, "adminpw", "rootpw", "inst.rootpw", "inst.sshpw"]

    private func checkSecrets() throws(EngineError) {
        for word in kernelArguments {
            let name = word.prefix { $0 != "=" }
            guard Self.secretWords.contains(String(name)), word.utf8.count > name.utf8.count + 1 else { continue }
            throw EngineError(
                .invalid,
                "The kernel argument \(name)= is a secret, and boot scripts are read by anybody on the segment.",
                remedy:
                    "Put a password's hash into the image (users, or muster image embed); tokens are made for each boot."
            )
        }
    }

    /// The command line of a signed program is signed too: nothing can be added, and the image would start without it.
    private func checkVerified() throws(EngineError) {
        guard mode != .kickstart || loader == nil || loader == .ipxe else {
            throw EngineError(
                .invalid,
                "A kickstart's link is for one fetch, and only iPXE asks for it when it is needed.",
                remedy: "Leave \"loader\" out."
            )
        }
        guard isVerified else { return }
        guard mode == .run else {
            throw EngineError(
                .invalid,
                "A profile with the loader signed has the mode run.",
                remedy: "Leave \"loader\" out, or set the mode run."
            )
        }
        guard kernelArguments.isEmpty else {
            throw EngineError(
                .invalid,
                "A profile with the loader signed has no kernel arguments: those of the image are signed, and no others count.",
                remedy: "Put them into the image's definition (efi: {arguments: …}) and build it."
            )
        }
    }

    /// What stands in the profile becomes words of a kernel command line.
    private func checkInstall() throws(EngineError) {
        guard let install else { return }
        guard install.disk.isKernelWord, install.wipe?.isKernelWord ?? true else {
            throw EngineError(
                .invalid,
                "A disk with a blank in its name cannot stand on a kernel command line.",
                remedy: "Name it by its WWN or by its name under /dev/disk/by-id."
            )
        }
        do throws(DiskSelector.Refusal) { _ = try DiskSelector(parsing: install.disk.rawValue) } catch {
            guard case .malformed(let reason) = error else { return }
            throw EngineError(
                .invalid,
                "The disk \(install.disk) is no selector: \(terminalEscaped(reason)).",
                remedy: "Write serial=…, wwn=…, a name under /dev/disk/by-id, or a rule such as rule:only."
            )
        }
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (97...122).contains(first), text.utf8.count <= 63 else { return false }
        return text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }

    private static func isArgument(_ text: String) -> Bool {
        let others = Array("_-.,:=/@+%!~[]".utf8)
        return !text.isEmpty
            && text.utf8.allSatisfy {
                (97...122).contains($0) || (65...90).contains($0) || (48...57).contains($0) || others.contains($0)
            }
    }
}
