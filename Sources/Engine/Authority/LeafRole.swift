import HostModel

/// What a certificate of our CA may do, said by the URI in its subject alternative names (docs/protocols.md 1.6).
enum LeafRole: Hashable, Sendable {
    /// Commands agents and serves the API.
    case engine
    /// Is the agent of exactly this host.
    case host(UniqueID)
    /// May ask what machines boot, nothing else.
    case boot(UniqueID)

    var uri: String {
        switch self {
        case .engine: "muster:engine"
        case .host(let id): "muster:host/\(id)"
        case .boot(let id): "muster:boot/\(id)"
        }
    }
}
