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
    /// Added to the supervisor's own (nice(1)): who hands out gigabytes to a rack lets those go first who ask in between.
    var niceness = 0
    /// Exit statuses by which the program says at its first start that it cannot run as it is told. Later the same
    /// statuses are falls like others: a disk that is full for an hour must not end what ran for a year.
    var refusals: Set<Int32> = []

    /// env(1) and setpriv(1) leave with these when the program itself cannot be started.
    static let unstartable: Set<Int32> = [126, 127]

    static let setpriv = "/usr/bin/setpriv"
    private static let nice = "/usr/bin/nice"

    /// The arguments of setpriv that drop everything but `capabilities` and then start the program. The child gets
    /// SIGTERM when the supervisor dies, however it dies.
    var launch: [String] {
        let kept = (["-all"] + capabilities.map { "+\($0.rawValue)" }).joined(separator: ",")
        return identity + [
            "--inh-caps=\(kept)", "--ambient-caps=\(kept)", "--bounding-set=\(kept)", "--no-new-privs",
            "--pdeathsig=TERM", "--",
        ] + (niceness == 0 ? [] : [Self.nice, "-n", String(niceness), "--"]) + [path] + arguments
    }

    func isRefusal(_ status: Int32) -> Bool { refusals.contains(status) || Self.unstartable.contains(status) }

    /// The arguments of setpriv that run another program as the same user: to see what that user can reach.
    func probe(_ command: [String]) -> [String] { identity + ["--"] + command }

    private var identity: [String] {
        let groups = groups.isEmpty ? "--clear-groups" : "--groups=\(groups.map(String.init).joined(separator: ","))"
        return ["--reuid=\(account.user)", "--regid=\(account.group)", groups]
    }

    /// What of the supervisor's environment a child is given.
    static let variables = ["PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "SWIFT_BACKTRACE"]
}
