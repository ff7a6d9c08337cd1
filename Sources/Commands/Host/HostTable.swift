import HostModel

extension HostResource {
    /// `up`, or `up (1 claim)` when somebody else claims to be this host.
    var statusCell: Cell {
        let extra = status == HostStatus.pendingApproval.rawValue && muster.claims.count == 1 ? 0 : muster.claims.count
        let claims = extra == 0 ? "" : " (\(extra) claim\(extra == 1 ? "" : "s"))"
        return Cell(status + claims, HostStatus(rawValue: status)?.tone ?? .plain)
    }

    /// `Dell Inc. PowerEdge R650`, from the agent, or from the claim before there is one.
    var hardwareText: String? {
        let facts = muster.claims.first?.facts
        let maker = hardware_information?.manufacturer ?? facts?.manufacturer?.raw
        let product = hardware_information?.product_name ?? facts?.product?.raw
        let words = [maker, product].compactMap(\.self).filter { !$0.isEmpty }
        return words.isEmpty ? nil : words.joined(separator: " ")
    }
}

extension HostStatus {
    var tone: Tone {
        switch self {
        case .up: .good
        case .pendingApproval, .installing, .initializing, .connecting, .installingOS, .reboot, .unassigned,
            .preparingForMaintenance, .kdumping:
            .waiting
        case .nonResponsive, .error, .installFailed, .nonOperational: .bad
        case .down, .maintenance: .plain
        }
    }

    /// True where a host stays until a person does something: waiting for `up` is over.
    var isFailure: Bool {
        switch self {
        case .error, .installFailed, .nonOperational: true
        case .unassigned, .down, .maintenance, .up, .nonResponsive, .installing, .reboot, .preparingForMaintenance,
            .pendingApproval, .initializing, .connecting, .installingOS, .kdumping:
            false
        }
    }
}

/// `muster host list`.
func hostTable(_ hosts: [HostResource]) -> Table {
    let rows = hosts.map { host in
        [
            Cell(host.name), host.statusCell, Cell(host.address), Cell(host.muster.mac), Cell(host.cluster?.name),
            Cell(host.hardwareText), Cell(host.id), Cell(host.muster.image?.version.raw),
            Cell(host.memory.flatMap { Int64($0) }.map { "\($0 >> 20) MiB" }),
            Cell(host.muster.tags?.joined(separator: ",")), Cell(host.comment),
        ]
    }
    return Table(
        header: [
            "NAME", "STATUS", "ADDRESS", "MAC", "CLUSTER", "HARDWARE", "ID", "VERSION", "MEMORY", "TAGS", "COMMENT",
        ],
        rows: rows,
        usual: 6,
        ifEmpty: "There are no hosts yet: switch on a machine that boots from the network."
    )
}

/// `muster host list --rejected`.
func rejectionTable(_ rejections: [RejectionResource], _ style: Style) -> Table {
    let rows = rejections.map { rejection in
        [
            Cell(rejection.name), Cell(rejection.address), Cell(rejection.hardware_id), Cell(rejection.user?.name),
            Cell(LocalTime.text(rejection.until, style)),
        ]
    }
    return Table(
        header: ["NAME", "ADDRESS", "HARDWARE ID", "REJECTED BY", "UNTIL"],
        rows: rows,
        ifEmpty: "No machine is kept away."
    )
}
