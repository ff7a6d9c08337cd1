import Glibc

/// Gives up root for good: the part of the agent that faces the network must not have it.
enum Privileges {
    struct NotDropped: Error, CustomStringConvertible {
        var reason: String
        var description: String { "could not give up root: \(reason); start serve as its own user" }
    }

    /// Becomes the user and starts this program anew, so that no thread and no memory of root is left. Does nothing for a
    /// process that is not root; otherwise returns only by throwing.
    static func drop(userID: UInt32, groupID: UInt32) throws(NotDropped) {
        guard geteuid() == 0, userID != 0 else { return }
        guard setgroups(0, nil) == 0, setgid(groupID) == 0, setuid(userID) == 0 else { throw failure() }
        guard setuid(0) != 0 else { throw NotDropped(reason: "the kernel lets user \(userID) be root again") }
        execv("/proc/self/exe", CommandLine.unsafeArgv)
        throw failure()
    }

    private static func failure() -> NotDropped { NotDropped(reason: String(cString: strerror(errno))) }
}
