import HostModel

/// Whether a node that was rebooted runs what it is to run. Pure.
enum ComeBack: Hashable, Sendable {
    /// The boot is still the one from before.
    case stillThere
    /// It runs the image, which has not proved itself yet.
    case onTrial
    case arrived
    case failed(ImageJobFailure)

    init(
        _ kind: ImageJobRow.Kind,
        _ plan: ImageJobRow.Plan,
        of host: HostName,
        boot: String,
        image: NodeImageReport
    ) {
        guard boot != plan.bootID else {
            self = .stillThere
            return
        }
        guard kind != .reboot else {
            self = .arrived
            return
        }
        let (wanted, runs) = (terminalEscaped(plan.version), image.version.escapedForTerminal)
        switch (kind, image.slot) {
        case (_, .some) where image.version.raw == plan.version: self = image.isTrial ? .onTrial : .arrived
        case (.installDisk, nil):
            self = .failed(
                ImageJobFailure(
                    "Host \(host) is installed, but it came back from somewhere else than its disk.",
                    remedy: "Put the disk first in the boot order of its firmware, then reboot it."
                )
            )
        case (.installDisk, .some):
            self = .failed(
                ImageJobFailure(
                    "Version \(wanted) was installed, and the host runs \(runs).",
                    remedy: "Look at the node's screen; another disk may stand first in its boot order."
                )
            )
        case (_, nil):
            self = .failed(
                ImageJobFailure(
                    "Version \(wanted) was written, but the host came back from somewhere else than its disk"
                        + "\(runs.isEmpty ? "" : " and runs \(runs)").",
                    remedy:
                        "Put the disk first in the boot order of its firmware, and let the host boot the profile local."
                )
            )
        case (_, .some):
            let why = image.fallBack?.reason.map { " The node says: \($0.escapedForTerminal)" } ?? ""
            self = .failed(
                ImageJobFailure(
                    "Version \(wanted) did not come up on host \(host): it fell back and runs \(runs).\(why)",
                    remedy:
                        "The host does its work with \(runs). Look at the node's log, mend the image, and upgrade again."
                )
            )
        }
    }
}
