import HostModel

/// The steps of a conversion as people see them: those on the server, and then those of every node's installation.
enum ConversionSteps {
    static let preflightName = "preflight"
    static let undoName = "undo"
    static let forgetName = "forget"
    static let rebootName = "reboot"
    static let proofName = "prove"

    /// Before the server was looked at nobody knows the others.
    static let before = [ConversionRow.Step(preflightName, "Look at the server")] + installation
    static let uninstall = [
        undo,
        ConversionRow.Step(forgetName, "Forget the host and revoke its certificate"),
    ]

    static var undo: ConversionRow.Step { ConversionRow.Step(undoName, "Take the conversion back") }

    private static var installation: [ConversionRow.Step] {
        InstallStep.allCases.map { ConversionRow.Step($0.rawValue, $0.title) }
    }

    /// Once there is a plan.
    static func all(of plan: ConversionPlan, reboots: Bool, proves: Bool) -> [ConversionRow.Step] {
        var steps = [ConversionRow.Step(preflightName, "Look at the server", .finished)]
        for step in plan.steps {
            steps.append(ConversionRow.Step(step.id.rawValue, title(step.event)))
            guard step.id == .key else { continue }
            steps.append(ConversionRow.Step(ConversionStep.ID.certificate.rawValue, certificateTitle))
        }
        let last = reboots ? [ConversionRow.Step(rebootName, "Reboot, and come back")] : []
        let proof = proves ? [ConversionRow.Step(proofName, "Come up, and be fit for the cluster")] : []
        return steps + installation + last + proof
    }

    private static let certificateTitle = "Lays the host's certificate beside its key"

    private static func title(_ event: String) -> String { event.prefix(1).uppercased() + event.dropFirst() }
}
