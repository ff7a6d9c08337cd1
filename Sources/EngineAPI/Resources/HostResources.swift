import AgentWire
import Engine
import HostConversion
import HostModel

extension HostResource {
    init(_ record: HostRecord) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("hosts", record.id.rawValue),
            name: record.name.rawValue,
            address: record.address,
            port: String(record.port),
            status: record.shownStatus.rawValue
        )
        status_detail = record.statusDetail
        cluster = ResourcePath.link("clusters", record.cluster.id, name: record.cluster.name)
        hardware_information = Hardware(record)
        cpu = Processor(record)
        memory = Self.memory(record)
        os = OperatingSystem(record)
        if let hardware = record.hardware { take(hardware) }
        if let figures = record.figures { take(figures) }
        certificate = record.certificateSubject.map {
            Certificate(subject: $0, organization: Self.organization(ofSubject: $0))
        }
        (comment, external_status) = (record.comment, "ok")
        spm = StoragePoolManager(priority: String(record.spmPriority))
        ssh = record.server.map(SSHResource.init)
        update_available = record.newerImageVersion == nil ? "false" : "true"
        power_management = PowerManagementResource(record.power)
        link = Self.links.map { WireLink($0, in: href) }
        muster = Muster(record)
    }

    /// With what tells hosts apart at a glance and nothing more: a list of ten thousand is a fifth as long.
    init(brief record: HostRecord) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href("hosts", record.id.rawValue),
            name: record.name.rawValue,
            address: record.address,
            port: String(record.port),
            status: record.shownStatus.rawValue
        )
        (status_detail, comment) = (record.statusDetail, record.comment.isEmpty ? nil : record.comment)
        cluster = ResourceLink(id: record.cluster.id.rawValue, name: record.cluster.name)
        hardware_information = Hardware(brief: record)
        memory = Self.memory(record)
        spm = StoragePoolManager(priority: String(record.spmPriority))
        muster = Muster(claims: record.claims.map(ClaimResource.init))
        muster.mac = record.mac?.description
        muster.tags = record.tags.isEmpty ? nil : record.tags
        muster.image = record.hardware?.image
    }

    private static func memory(_ record: HostRecord) -> String? {
        HostHardware.plausible(memory: record.hardware?.memory ?? record.facts?.memory).map { String(Int64($0) << 20) }
    }

    /// With what can be done with it: lists leave that out.
    init(alone record: HostRecord) {
        self.init(record)
        actions = WireActions(Self.verbs, of: href)
    }

    private static let links = [
        "affinitylabels", "fenceagents", "networkattachments", "nics", "statistics", "tags", "unmanagednetworks",
    ]
    private static let verbs = [
        "activate", "approve", "commitnetconfig", "copyhostnetworks", "deactivate", "enrollcertificate", "fence",
        "forceselectspm", "install", "refresh", "setupnetworks", "syncallnetworks", "upgrade", "upgradecheck",
    ]

    private mutating func take(_ hardware: HostHardware) {
        se_linux = hardware.seLinux.map(SELinux.init)
        iscsi = hardware.initiator.map { ISCSI(initiator: $0.raw) }
        device_passthrough = hardware.hasPassthrough.map(Enabled.init)
        libvirt_version = hardware.libvirt.map { PackageVersion("libvirt", $0.raw) }
        version = hardware.vdsm.map { PackageVersion("vdsm", $0.raw) }
        (kdump_status, auto_numa_status) = (hardware.kdump, hardware.numaBalancing)
        numa_supported = hardware.numaNodes.map { $0 > 1 }
    }

    private mutating func take(_ figures: HostFigures) {
        if let total = figures.guests, let active = figures.activeGuests, let migrating = figures.migratingGuests {
            summary = Summary(active: Int(active), migrating: Int(migrating), total: Int(total))
        }
        ksm = figures.isKSMRunning.map(Enabled.init)
        transparent_hugepages = figures.hasHugePages.map(Enabled.init)
    }

    /// The value of `O=` in `O=…,CN=…`.
    private static func organization(ofSubject subject: String) -> String? {
        guard subject.hasPrefix("O="), let end = subject.firstRange(of: ",CN=") else { return nil }
        return String(subject[..<end.lowerBound].dropFirst(2))
    }
}

extension HostResource.Muster {
    init(_ record: HostRecord) {
        self.init(claims: record.claims.map(ClaimResource.init))
        (boot_profile, next_boot_profile) = (record.bootProfile, record.nextBootProfile)
        mac = record.mac?.description
        tags = record.tags.isEmpty ? nil : record.tags
        affinity_labels = record.affinityLabels.isEmpty ? nil : record.affinityLabels
        fixed_address = record.fixedAddress?.description
        certificate_ends = record.certificateEnd.map { WireTime.text(milliseconds: $0) }
        last_seen = record.lastSeen.map { String($0 / 1000) }
        jump = record.server?.jump.map(ServerChoices.Jump.init)
        choices = record.server?.options.map(ServerChoices.init)
        (image, newer_version) = (record.hardware?.image, record.newerImageVersion)
    }
}

extension SSHResource {
    init(_ access: ServerAccess) {
        self.init()
        (port, user) = (WireNumber(Int(access.port)), User(user_name: access.user))
        (authentication_method, fingerprint) = (
            access.hasEngineKey ? "publickey" : "password", access.fingerprint?.rawValue
        )
    }
}

extension ServerChoices {
    init(_ options: ConversionOptions) {
        self.init()
        (repository, without_virtualization) = (options.repository, !options.needsVirtualization)
        (reboot, undo_on_failure, kdump) = (options.mayReboot, options.undoesFailure, options.wantsKdump)
    }
}

extension ServerChoices.Jump {
    init(_ jump: ServerAccess.Jump) {
        self.init(address: jump.address)
        (port, user_name) = (WireNumber(Int(jump.port)), jump.user)
        fingerprint = jump.fingerprint?.rawValue
    }
}

extension HostResource.Hardware {
    /// What the agent reports, or, before it was heard, what the machine said with its claim. `nil` if neither is there.
    init?(_ record: HostRecord) {
        guard record.hardware != nil || record.facts != nil || record.hardwareID != nil else { return nil }
        self.init()
        let (hardware, facts) = (record.hardware, record.facts)
        manufacturer = (hardware?.manufacturer ?? facts?.manufacturer)?.raw
        product_name = (hardware?.product ?? facts?.product)?.raw
        serial_number = (hardware?.serial ?? facts?.serial)?.raw
        uuid = hardware?.uuid?.raw ?? record.hardwareID?.rawValue
        family = hardware?.family?.raw
        version = hardware?.version?.raw
    }
}

extension HostResource.Hardware {
    fileprivate init?(brief record: HostRecord) {
        let maker = (record.hardware?.manufacturer ?? record.facts?.manufacturer)?.raw
        let product = (record.hardware?.product ?? record.facts?.product)?.raw
        guard maker != nil || product != nil else { return nil }
        self.init()
        (manufacturer, product_name) = (maker, product)
    }
}

extension HostResource.Processor {
    init?(_ record: HostRecord) {
        guard record.hardware?.cpuModel != nil || record.facts?.cpuModel != nil else { return nil }
        self.init()
        name = (record.hardware?.cpuModel ?? record.facts?.cpuModel)?.raw
        speed = record.hardware?.cpuSpeed?.raw
        guard let hardware = record.hardware, let sockets = hardware.cpuSockets else { return }
        var topology = Topology()
        topology.sockets = String(sockets)
        topology.cores = hardware.cpuCores.map { String($0 / max(sockets, 1)) }
        topology.threads = hardware.cpuThreads.map { String($0 / max(hardware.cpuCores ?? 1, 1)) }
        self.topology = topology
    }
}

extension HostResource.OperatingSystem {
    init(_ record: HostRecord) {
        self.init()
        guard let hardware = record.hardware else { return }
        type = hardware.operatingSystem?.raw
        version = hardware.operatingSystemVersion.map { Version(full_version: $0.raw) }
        reported_kernel_cmdline = hardware.kernelArguments?.raw
    }
}

extension ClaimResource {
    init(_ record: ClaimRecord) {
        self.init(
            id: record.id.rawValue,
            state: record.state.rawValue,
            hardware_id: record.hardwareID.rawValue,
            name: record.name.rawValue,
            address: record.address.description,
            key_fingerprint: record.keyFingerprint,
            created: WireTime.text(milliseconds: record.created),
            facts: record.facts
        )
    }
}
