/// The steps of an installation, in order. Each may be run again after it was done: a killed engine starts the stored
/// step anew.
enum InstallStep: String, CaseIterable, Hashable, Sendable, Codable {
    /// Waits until the agent answers with the certificate that the approval issued.
    case contact
    case capabilities
    case managementNetwork = "management_network"
    /// Makes the network that now works the one that the host starts with.
    case persistNetwork = "persist_network"

    /// What the event and the failure call it.
    var title: String {
        switch self {
        case .contact: "Wait for the agent"
        case .capabilities: "Read the capabilities"
        case .managementNetwork: "Set up the management network"
        case .persistNetwork: "Keep the network configuration"
        }
    }

    var next: InstallStep? {
        switch self {
        case .contact: .capabilities
        case .capabilities: .managementNetwork
        case .managementNetwork: .persistNetwork
        case .persistNetwork: nil
        }
    }
}

/// Why an installation ended without a host.
struct InstallFailure: Error, Hashable, Sendable {
    var step: InstallStep
    /// A sentence, escaped.
    var reason: String
    var remedy: String
    /// oVirt's code for this very failure, where it has one; 505 comes in any case.
    var code: EventCode?

    init(_ step: InstallStep, _ reason: String, remedy: String, code: EventCode? = nil) {
        (self.step, self.reason, self.remedy, self.code) = (step, reason, remedy, code)
    }
}
