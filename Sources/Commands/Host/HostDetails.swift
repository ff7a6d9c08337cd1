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
    add("Hardware", host.hardwareText)
    add("Serial", host.hardware_information?.serial_number)
    add("Hardware id", host.hardware_information?.uuid)
    add("CPU", cpuText(host.cpu))
    add("Memory", host.memory.flatMap { Int64($0) }.map { "\($0 >> 20) MiB" })
    add("System", [host.os?.type, host.os?.version?.full_version].compactMap(\.self).joined(separator: " "))
    add("Kernel line", host.os?.reported_kernel_cmdline)
    add("Certificate", host.certificate?.subject)
    add("Boots", bootText(host.muster))
    add("Last seen", LocalTime.text(host.muster.last_seen, style))
    let claims = host.muster.claims.map { claim in
        (title: Optional("Claim of \(terminalEscaped(claim.name))"), layout: claimDetails(claim, style) as any Layout)
    }
    return Sections(parts: [(title: nil, layout: Details(fields: fields))] + claims)
}

private func cpuText(_ cpu: HostResource.Processor?) -> String {
    let topology = cpu?.topology
    let counts = [(topology?.sockets, "sockets"), (topology?.cores, "cores each"), (topology?.threads, "threads each")]
    let words = counts.compactMap { count, unit in count.map { "\($0) \(unit)" } }
    return ([cpu?.name].compactMap(\.self) + words).joined(separator: ", ")
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
