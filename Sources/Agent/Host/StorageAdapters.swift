import AgentWire
import HostModel

/// How this machine reaches storage: Fibre Channel ports by sysfs, and the iSCSI initiator's name.
struct StorageAdapters: Sendable {
    private let inventory: HostInventory

    private static let fibreChannel = "sys/class/fc_host"
    private static let initiatorFile = "etc/iscsi/initiatorname.iscsi"

    init(_ inventory: HostInventory) { self.inventory = inventory }

    /// Empty where there is none, or where only root may read it.
    var initiatorName: String {
        let lines = inventory.text(Self.initiatorFile, limit: 1 << 16).split(whereSeparator: \.isNewline)
        let line = lines.last { $0.hasPrefix("InitiatorName=") }
        return HostileText(line?.dropFirst("InitiatorName=".count).filter { $0 != " " } ?? "").raw
    }

    var report: HostCapabilities.HBAInventory {
        var report = HostCapabilities.HBAInventory()
        let name = initiatorName
        if !name.isEmpty { report.iSCSI = [.init(InitiatorName: name)] }
        report.FC = inventory.names(Self.fibreChannel).sorted().map { host in
            let folder = "\(Self.fibreChannel)/\(host)"
            let model =
                inventory.line("\(folder)/symbolic_name") ?? inventory.line("sys/class/scsi_host/\(host)/model_desc")
            return .init(
                model: HostileText(model ?? "").raw,
                wwpn: Self.digits(inventory.line("\(folder)/port_name")),
                wwnn: Self.digits(inventory.line("\(folder)/node_name"))
            )
        }
        return report
    }

    /// `0x1000000000000001` -> `1000000000000001`
    private static func digits(_ text: String?) -> String {
        HostileText(text.map { $0.hasPrefix("0x") ? $0.dropFirst(2) : $0[...] } ?? "").raw
    }
}
