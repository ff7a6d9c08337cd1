import HostModel

/// `muster host show`.
func hostDetails(_ host: HostResource, _ style: Style) -> Sections {
    var fields: [(name: String, value: Cell)] = [
        ("Name", Cell(host.name)), ("Id", Cell(host.id)), ("Status", host.statusCell),
    ]
    func add(_ name: String, _ value: String?) {
        if let value, !value.isEmpty { fields.append((name, Cell(value))) }
    }
    add("Detail", host.status_detail)
    add("Address", "\(host.address), agent on port \(host.port)")
    add("Fixed address", host.muster.fixed_address)
    add("MAC", host.muster.mac)
    add("Cluster", host.cluster?.name)
    add("Comment", host.comment)
    add("Tags", host.muster.tags?.joined(separator: ", "))
    add("Affinity labels", host.muster.affinity_labels?.joined(separator: ", "))
    add("Hardware", host.hardwareText)
    add("Serial", host.hardware_information?.serial_number)
    add("Hardware id", host.hardware_information?.uuid)
    add("CPU", cpuText(host.cpu))
    add("Memory", host.memory.flatMap { Int64($0) }.map { "\($0 >> 20) MiB" })
    add("System", [host.os?.type, host.os?.version?.full_version].compactMap(\.self).joined(separator: " "))
    add("Kernel line", host.os?.reported_kernel_cmdline)
    for (name, text) in imageFields(host.muster) { add(name, text) }
    add("Certificate", certificateText(host))
    add("Host key", host.ssh?.fingerprint)
    add("Jump host", host.muster.jump.map { [$0.address, $0.fingerprint].compactMap(\.self).joined(separator: ", ") })
    add("Boots", bootText(host.muster))
    add("Power", host.power_management.flatMap(powerText))
    if let fault = host.power_management?.fault {
        let words = [fault, host.power_management?.remedy].compactMap(\.self).joined(separator: " ")
        fields.append(("Power fault", Cell(words, .bad)))
    }
    add("Last seen", LocalTime.text(host.muster.last_seen, style))
    let claims = host.muster.claims.map { claim in
        (title: Optional("Claim of \(terminalEscaped(claim.name))"), layout: claimDetails(claim, style) as any Layout)
    }
    return Sections(parts: [(title: nil, layout: Details(fields: fields))] + claims)
}

/// The image that runs, what is in both slots, what was given up, and what is newer.
private func imageFields(_ muster: HostResource.Muster) -> [(String, String)] {
    guard let image = muster.image else { return [] }
    let place = image.slot.map { "slot \($0)\(image.isTrial ? ", on trial" : "")" } ?? "from memory"
    var fields = [("Image", "\(image.name.raw) \(image.version.raw) (\(place))")]
    for (name, slot) in image.slots.sorted(by: { $0.key < $1.key }) {
        let what = [slot.name.raw, slot.version.raw, slot.state.rawValue].filter { !$0.isEmpty }
        fields.append(("Slot \(name)", what.joined(separator: " ")))
    }
    if let fallBack = image.fallBack {
        let reason = fallBack.reason.map { ": \($0.raw)" } ?? ""
        fields.append(("Gave up", fallBack.version.raw + reason))
    }
    if let newer = muster.newer_version { fields.append(("Upgrade", "\(newer) is published")) }
    return fields
}

private func cpuText(_ cpu: HostResource.Processor?) -> String {
    let topology = cpu?.topology
    let counts = [(topology?.sockets, "sockets"), (topology?.cores, "cores each"), (topology?.threads, "threads each")]
    let words = counts.compactMap { count, unit in count.map { "\($0) \(unit)" } }
    return ([cpu?.name].compactMap(\.self) + words).joined(separator: ", ")
}

/// `nil` where the engine does not switch the host by itself.
private func powerText(_ power: PowerManagementResource) -> String? {
    guard power.enabled == true else { return nil }
    let proxies = power.pm_proxies?.pm_proxy?.map(\.type).joined(separator: ", ") ?? "nobody"
    let kdump = power.kdump_detection == true ? "; a crash dump is waited for" : ""
    return "managed, its board is told by \(proxies)\(kdump)"
}

private func bootText(_ muster: HostResource.Muster) -> String? {
    let next = muster.next_boot_profile.map { "\($0) (next boot only)" }
    let always = muster.boot_profile.map { next == nil ? $0 : "then \($0)" }
    let words = [next, always].compactMap(\.self)
    return words.isEmpty ? nil : words.joined(separator: ", ")
}

/// What a machine says of itself, to be compared with the machine.
private func claimDetails(_ claim: ClaimResource, _ style: Style) -> Sections {
    let facts = claim.facts
    var fields: [(name: String, value: Cell)] = [
        ("  Id", Cell(claim.id)), ("  State", Cell(claim.state, .waiting)),
        ("  Since", Cell(LocalTime.text(claim.created, style))), ("  From", Cell(claim.address)),
        ("  Hardware id", Cell(claim.hardware_id)), ("  Key", Cell(claim.key_fingerprint)),
    ]
    let machine = [facts.manufacturer, facts.product, facts.serial].compactMap { $0?.raw }.filter { !$0.isEmpty }
    fields.append(("  Machine", Cell(machine.joined(separator: " "))))
    let processor = [facts.cpuModel?.raw, "\(facts.cpuCount) CPUs", "\(facts.memory) MiB"].compactMap(\.self)
    fields.append(("  CPU, memory", Cell(processor.joined(separator: ", "))))
    fields.append(("  KVM", Cell(facts.hasKVM ? "yes" : "no", facts.hasKVM ? .plain : .bad)))
    fields.append(("  Firmware", Cell(facts.firmware?.raw)))
    fields.append(("  Kernel", Cell(facts.kernel?.raw)))
    for interface in facts.interfaces {
        let words = [
            interface.mac.description, interface.driver?.raw, interface.hasCarrier ? "link" : "no link",
            interface.speed.map { "\($0) Mb/s" },
        ]
        let addresses = interface.addresses.map(\.description)
        let text = (words.compactMap(\.self) + addresses).joined(separator: ", ")
        fields.append(("  \(terminalEscaped(interface.name.raw))", Cell(text)))
    }
    return Sections(parts: [(title: nil, layout: Details(fields: fields))])
}

/// `O=Test,CN=10.0.0.1; ends on 2031-11-27`.
private func certificateText(_ host: HostResource) -> String? {
    guard let subject = host.certificate?.subject else { return nil }
    return subject + (host.muster.certificate_ends.map { "; ends on \($0.prefix(10))" } ?? "")
}
