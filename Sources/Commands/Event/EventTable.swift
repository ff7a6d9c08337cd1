import HostModel

private let header = ["TIME", "SEVERITY", "HOST", "EVENT"]

/// `muster event list`.
func eventTable(_ events: [EventResource], _ style: Style) -> Table {
    Table(
        header: header,
        rows: events.map { eventCells($0, style) },
        isLastOpen: true,
        ifEmpty: "There are no events."
    )
}

/// The columns of a list that grows: as wide as what there is, and as the words to come.
func eventFormat(_ events: [EventResource], _ style: Style) -> TableFormat {
    let usual = [Cell("2026-01-01 00:00:00"), Cell("warning"), Cell("node-5a31f0"), Cell("")]
    return TableFormat(header: header, rows: events.map { eventCells($0, style) } + [usual], isLastOpen: true)
}

func eventCells(_ event: EventResource, _ style: Style) -> [Cell] {
    let tone: Tone =
        switch event.severity {
        case "error", "alert": .bad
        case "warning": .waiting
        default: .plain
        }
    return [
        Cell(LocalTime.text(event.time, style), .faint), Cell(event.severity, tone), Cell(event.host?.name),
        Cell(event.description),
    ]
}
