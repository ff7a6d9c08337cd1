import ArgumentParser
import EngineClient
import HostModel

struct HostDisks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disks",
        abstract: "List the disks of a host, asked of it now.",
        discussion: """
            SERIAL, WWN and BY-ID are what --disk of muster host install-disk takes. A disk that holds anything is installed
            on only with --wipe and its own serial number. A disk that is in use or removable is never taken.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let disks = try await session.disks(of: found.id)
            output.show(disks, as: diskTable(disks))
        }
    }
}

/// `muster host disks`.
func diskTable(_ disks: [NodeDisk]) -> Table {
    let rows = disks.map { disk in
        [
            Cell(disk.name.raw), Cell(sizeText(disk.bytes)), Cell(disk.serial.raw), Cell(disk.wwn.raw),
            Cell(disk.bus.raw), Cell(disk.model.raw), useCell(disk), Cell(disk.byID.raw),
            Cell(disk.contents.map(\.raw).joined(separator: ", ")),
        ]
    }
    return Table(
        header: ["NAME", "SIZE", "SERIAL", "WWN", "BUS", "MODEL", "USE", "BY-ID", "HOLDS"],
        rows: rows,
        isLastOpen: true,
        ifEmpty: "The host sees no disk."
    )
}

/// `free`, or why it is not.
private func useCell(_ disk: NodeDisk) -> Cell {
    if let slot = disk.muster?.running { return Cell("runs slot \(slot)", .good) }
    if disk.isInUse { return Cell("in use", .bad) }
    if disk.isRemovable { return Cell("removable", .bad) }
    if disk.muster != nil { return Cell("muster", .waiting) }
    return disk.contents.isEmpty ? Cell("free", .good) : Cell("holds data", .waiting)
}

/// As makers of disks write it: powers of ten.
private func sizeText(_ bytes: Int64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"]
    var (value, unit) = (Double(max(0, bytes)), 0)
    while value >= 1000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 || tenths >= 1000
        ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
}
