import HostModel

/// `muster job list`.
func jobTable(_ jobs: [JobResource], _ style: Style) -> Table {
    let rows = jobs.map { job in
        [
            Cell(job.id), Cell(job.host?.name), Cell(job.muster.kind), Cell(job.status, jobTone(job.status)),
            Cell(job.currentStep?.description), Cell(LocalTime.text(job.start_time, style), .faint),
        ]
    }
    return Table(
        header: ["ID", "HOST", "KIND", "STATUS", "STEP", "STARTED"],
        rows: rows,
        ifEmpty: "There are no such jobs."
    )
}

private func jobTone(_ status: String) -> Tone {
    switch status {
    case "finished": .good
    case "failed", "aborted": .bad
    case "started": .waiting
    default: .plain
    }
}

/// `muster job show`.
func jobDetails(_ job: JobResource, _ style: Style) -> Sections {
    var fields: [(name: String, value: Cell)] = [
        ("Id", Cell(job.id)), ("Job", Cell(job.description)), ("Kind", Cell(job.muster.kind)),
        ("Status", Cell(job.status, jobTone(job.status))), ("Started", Cell(LocalTime.text(job.start_time, style))),
    ]
    func add(_ name: String, _ value: String?) {
        if let value, !value.isEmpty { fields.append((name, Cell(value))) }
    }
    add("Ended", job.end_time.flatMap { LocalTime.text($0, style) })
    add("By", job.owner?.name)
    add("Reason", job.muster.error)
    add("Remedy", job.muster.remedy)
    for line in job.muster.report ?? [] { add("Differs", line) }
    let steps = job.muster.steps.map { step in
        [
            Cell(step.number), Cell(step.status, jobTone(step.status)), Cell(step.description),
            Cell([step.progress.map { "\($0) %" }, step.activity].compactMap(\.self).joined(separator: " ")),
        ]
    }
    return Sections(parts: [
        (title: nil, layout: Details(fields: fields)),
        (title: "Steps", layout: Table(header: ["NO", "STATUS", "STEP", "AT"], rows: steps, isLastOpen: true)),
    ])
}

extension JobResource {
    /// The one that is under way, or the last that was.
    var currentStep: Step? {
        muster.steps.last { $0.status != "unknown" && $0.status != "finished" }
            ?? muster.steps.last { $0.status == "finished" }
    }
}
