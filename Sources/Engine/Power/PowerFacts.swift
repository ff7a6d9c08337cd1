import HostModel

/// What `PowerCourse` is told of a host and its cluster at one moment.
struct PowerFacts: Hashable, Sendable {
    var name: HostName
    var status: HostStatus
    /// It was approved, so its agent is to come back; false for one that is worked on or in maintenance.
    var hasAgent = true
    var isEnabled = false
    var detectsKdump = false
    /// When the board's fault lets the engine try again.
    var retry: Int64?
    /// When the machine was switched last.
    var lastSwitched: Int64?
    var lastDump: Int64?
    /// When the engine began to run.
    var engineStart: Int64 = 0
    var policy = FencingPolicy()
    /// Hosts of the cluster that do not answer, this one too, and all that should.
    var silentHosts = 1
    var hosts = 1

    /// A host in maintenance never is. One that writes a crash dump says nothing either.
    var isSilent: Bool { status == .nonResponsive || status == .kdumping }

    struct Reason: Hashable, Sendable {
        /// The same for as long as the reason is the same.
        var key: String
        var text: String
    }

    /// Why the engine must not use the power by itself now; `nil`: nothing speaks against it.
    func reasonToHold(at now: Int64, _ times: PowerTimes) -> Reason? {
        if !policy.isEnabled {
            return Reason(key: "policy", text: "fencing is switched off for its cluster.")
        }
        if now - engineStart < times.quietStart {
            let seconds = times.quietStart / 1000
            return Reason(key: "start", text: "the engine started less than \(seconds) seconds ago and listens first.")
        }
        if isStorm {
            let share = "\(silentHosts) of \(hosts) hosts of its cluster do not answer, more than \(policy.threshold) %"
            return Reason(key: "storm", text: "\(share), so the network is at fault. Look at the switches first.")
        }
        if let retry, now < retry {
            return Reason(key: "fault", text: "its board failed, and gets a rest before it is tried again.")
        }
        if let lastSwitched, now - lastSwitched < times.quietBetween {
            let seconds = times.quietBetween / 1000
            return Reason(key: "quiet", text: "it was switched less than \(seconds) seconds ago.")
        }
        return nil
    }

    /// One silent host is never a storm, however small its cluster.
    private var isStorm: Bool {
        policy.skipsBrokenConnectivity && silentHosts > 1 && silentHosts * 100 > policy.threshold * hosts
    }
}
