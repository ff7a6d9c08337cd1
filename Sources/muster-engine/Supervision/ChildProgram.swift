import Glibc

/// A program as the supervisor starts it: its own user, no capability but the named ones, and no way to get more.
struct ChildProgram: Hashable, Sendable {
    /// Capabilities as setpriv(1) writes them.
    enum Capability: String, Sendable {
        case bindService = "net_bind_service"
        case raw = "net_raw"
    }

    /// In messages: `muster-boot`.
    var name: String
    var path: String
    var arguments: [String]
    var account: Account
    /// Groups besides the account's own.
    var groups: [gid_t] = []
    var capabilities: [Capability]
    /// Exit statuses, besides those of `StartFailure`, by which the program says that it cannot run as it is told.
    var refusals: Set<Int32> = []

    static let setpriv = "/usr/bin/setpriv"

    /// The arguments of setpriv that drop everything but `capabilities` and then start the program. The child gets
    /// SIGTERM when the supervisor dies, however it dies.
    var launch: [String] {
        let kept = (["-all"] + capabilities.map { "+\($0.rawValue)" }).joined(separator: ",")
        return identity + [
            "--inh-caps=\(kept)", "--ambient-caps=\(kept)", "--bounding-set=\(kept)", "--no-new-privs",
            "--pdeathsig=TERM", "--", path,
        ] + arguments
    }

    /// The arguments of setpriv that run another program as the same user: to see what that user can reach.
    func probe(_ command: [String]) -> [String] { identity + ["--"] + command }

    private var identity: [String] {
        let groups = groups.isEmpty ? "--clear-groups" : "--groups=\(groups.map(String.init).joined(separator: ","))"
        return ["--reuid=\(account.user)", "--regid=\(account.group)", groups]
    }

    /// What of the supervisor's environment a child is given.
    static let variables = ["PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "SWIFT_BACKTRACE"]
}
