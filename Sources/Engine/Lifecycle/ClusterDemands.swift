/// What a cluster asks of its hosts. What is `nil` nobody has decided yet: the first host that fits decides it.
struct ClusterDemands: Hashable, Sendable {
    /// The compatibility level, `4.7`.
    var level = "4.7"
    /// A guest CPU model that every host must be able to run, as `model_NAME` among its flags; `nil`: any processor.
    var cpu: String?
    var architecture: Architecture?
    var emulatedMachine: String?
    /// Beyond `random`.
    var rngSources: [String] = []
    var networks: [NetworkRecord] = []

    /// This engine's own version among an agent's `supportedENGINEs`; the agent names those whose verbs it answers.
    static let engineVersion = "4.5"
    /// Machine types of the levels that this engine knows, the preferred one first. `pc-q35-…` counts as `q35`.
    static let emulatedMachines = ["q35", "pc", "virt", "pseries", "s390-ccw-virtio"]
}

/// A processor's architecture, as far as its flags tell.
enum Architecture: String, Sendable {
    case x86 = "x86_64"
    case arm = "aarch64"
    case power = "ppc64"

    /// `nil` when the flags say nothing.
    init?(flags: Set<Substring>) {
        if flags.contains("lm") {
            self = .x86
        } else if flags.contains("asimd") {
            self = .arm
        } else if flags.contains(where: { $0.lowercased().hasPrefix("model_power") || $0 == "powernv" }) {
            self = .power
        } else {
            return nil
        }
    }
}
