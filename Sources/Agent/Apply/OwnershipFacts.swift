import HostModel

/// What the answer to `Apply.ownership` is made of, compared faster than the answer is made: configurations by the names of
/// their directories, each of which is written once.
struct OwnershipFacts: Hashable, Sendable {
    private let trees: [String?]
    private let dhcpClients: Set<String>
    private let nameservers: [String]
    private let isChanging: Bool
    private let isRestoring: Bool
    private let drift: NetworkDrift
    private let lost: [UnreadableEntity]

    /// `trees`: the running and the persistent one.
    init(
        trees: [String?],
        state: (dhcpClients: Set<String>, nameservers: [String]),
        isChanging: Bool,
        isRestoring: Bool,
        drift: NetworkDrift,
        lost: [UnreadableEntity]
    ) {
        (self.trees, dhcpClients, nameservers) = (trees, state.dhcpClients, state.nameservers)
        (self.isChanging, self.isRestoring, self.drift, self.lost) = (isChanging, isRestoring, drift, lost)
    }
}
