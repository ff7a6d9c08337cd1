import AgentWire
import HostModel

/// The disks of a test's node: what it is told to do, how far it says it is, and what it is after a reboot.
struct TestNodeDisks {
    var disks: [NodeDisk] = []
    /// Why the node refuses; `nil`: it does not.
    var refusal: RPCError?
    var job: NodeJob?
    /// How the work ends, and after how many looks; `nil`: not yet.
    var end: NodeJob.Status? = .done
    var looks = 1
    /// Every order, as it came.
    var orders: [ImageWork] = []
    var reboots = 0
    /// Orders to reboot that the node does not obey.
    var deafness = 0
    /// What runs after the next reboot; `nil`: what was before.
    var next: NodeImageReport?
    /// Whether the engine's voice ends a trial.
    var confirms = true

    func plan(_ params: JSONValue) -> Result<JSONValue, RPCError> {
        Result { () throws(RPCError) in
            _ = try ImageWork(.install, params: params)
            if let refusal { throw refusal }
            return .object(["steps": .array(["wipe sda", "write \u{1B}[2J"])])
        }
    }

    mutating func order(_ kind: ImageWork.Kind, _ params: JSONValue) -> Result<JSONValue, RPCError> {
        let work: ImageWork
        do throws(RPCError) { work = try ImageWork(kind, params: params) } catch { return .failure(error) }
        if let refusal { return .failure(refusal) }
        orders.append(work)
        if job?.id != work.id.rawValue { job = NodeJob(work) }
        return .success(.boolean(true))
    }

    mutating func look() -> NodeJobs {
        if var current = job, current.status == .running {
            (current.step, current.done, current.total) = (HostileText("write \u{1B}[2Jsda"), 1, 4)
            if looks > 0 { looks -= 1 } else if let end { current.status = end }
            if current.status == .failed {
                (current.error, current.remedy) = ("The disk \u{1B}[31mbroke.", "Change it.")
            }
            job = current
        }
        return NodeJobs(job)
    }

    /// True when the machine goes down.
    mutating func reboot(_ host: inout HostCapabilities) -> Bool {
        reboots += 1
        guard deafness == 0 else {
            deafness -= 1
            return false
        }
        host.boot_uuid = "boot-\(reboots)"
        // What lies below /run is gone.
        job = nil
        if let next { host.musterImage = next }
        next = nil
        return true
    }

    /// A node that runs a version from a slot.
    static func running(_ version: String, slot: String? = "a", isTrial: Bool = false, other: String? = nil)
        -> NodeImageReport
    {
        var report = NodeImageReport()
        (report.name, report.version) = (HostileText("node-debian"), HostileText(version))
        (report.slot, report.isTrial) = (slot, isTrial)
        guard let slot else { return report }
        report.slots[slot] = ImageSlot(name: report.name, version: report.version, state: isTrial ? .trial : .good)
        let state: ImageSlot.State = other == nil ? .empty : .good
        report.slots[slot == "a" ? "b" : "a"] = ImageSlot(
            name: report.name,
            version: HostileText(other ?? ""),
            state: state
        )
        return report
    }
}
