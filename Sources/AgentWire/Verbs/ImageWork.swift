package import HostModel

/// What a node is to do with its disks: the parameters of `Host.installImage`, `Host.upgradeImage` and
/// `Host.rollbackImage`.
package struct ImageWork: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Hashable, Sendable, Codable {
        /// Writes an image to a disk that holds nothing, and makes the disk boot.
        case install
        /// Writes an image to the slot that does not run, and has it tried at the next boot.
        case upgrade
        /// Has the slot that does not run tried at the next boot.
        case rollback
    }

    package var kind: Kind
    /// The caller's own; asked for twice, the work is done once.
    package var id: UniqueID
    /// Where the image is; `nil`: the image that the node runs, or, of a rollback, the other slot's.
    package var image: LiveImageFolder?
    /// Which disk; of an installation, and of nothing else.
    package var disk: DiskWord?
    /// The serial number of the disk that may be wiped.
    package var wipe: DiskWord?

    package init(
        _ kind: Kind,
        id: UniqueID,
        image: LiveImageFolder? = nil,
        disk: DiskWord? = nil,
        wipe: DiskWord? = nil
    ) {
        (self.kind, self.id, self.image, self.disk, self.wipe) = (kind, id, image, disk, wipe)
    }

    /// Reads the `params` of the call. Whatever is not exactly what is expected is refused: these words become arguments of
    /// a program that writes to disks.
    package init(_ kind: Kind, params: JSONValue) throws(RPCError) {
        guard case .object(let members) = params else {
            throw RPCError(.invalidParams, "The parameters must be an object")
        }
        let known: Set<String> = kind == .install ? ["jobId", "image", "disk", "wipe"] : ["jobId", "image"]
        if let other = members.keys.sorted().first(where: { !known.contains($0) }) {
            throw RPCError(.badParameters, "\(terminalEscaped(other.prefix(64))) is no parameter of this call")
        }
        guard let id = try Self.text("jobId", members).flatMap(UniqueID.init(rawValue:)) else {
            throw RPCError(.badParameters, "jobId must be a UUID")
        }
        self.init(kind, id: id)
        (disk, wipe) = (try Self.word("disk", members), try Self.word("wipe", members))
        if let text = try Self.text("image", members) {
            do throws(KernelArgumentError) { image = try LiveImageFolder(parsing: text) } catch {
                throw RPCError(.badParameters, "image: \(error.reason)")
            }
        }
        guard (kind == .install) == (disk != nil) else { throw RPCError(.missingParameter, "disk is missing") }
        if kind == .upgrade, image == nil { throw RPCError(.missingParameter, "image is missing") }
        if kind == .rollback, image != nil { throw RPCError(.badParameters, "a rollback takes no image") }
    }

    /// The `params` of the call.
    package var params: JSONValue {
        var members: [String: JSONValue] = ["jobId": .string(id.rawValue)]
        members["image"] = image.map { .string("\($0)") }
        members["disk"] = disk.map { .string($0.rawValue) }
        members["wipe"] = wipe.map { .string($0.rawValue) }
        return .object(members)
    }

    /// The words behind `muster-agent`. Each value stands in one word with its option, so that none is taken for another.
    package var arguments: [String] {
        var words = [kind.rawValue]
        if let disk { words.append("--disk=\(disk)") }
        if let wipe { words.append("--wipe=\(wipe)") }
        if let image { words.append("--image=\(image)") }
        return words
    }

    /// A rollback writes a few bytes: it has no progress to tell.
    package var tellsProgress: Bool { kind != .rollback }

    private static func text(_ name: String, _ members: [String: JSONValue]) throws(RPCError) -> String? {
        switch members[name] ?? .null {
        case .null: return nil
        case .string(let text): return text
        default: throw RPCError(.badParameters, "\(name) must be text")
        }
    }

    private static func word(_ name: String, _ members: [String: JSONValue]) throws(RPCError) -> DiskWord? {
        guard let text = try text(name, members) else { return nil }
        guard let word = DiskWord(text) else { throw RPCError(.badParameters, "\(name): \(DiskWord.rule)") }
        return word
    }
}

/// How far a node's work is: an entry of `Host.getJobs`, with VDSM's names where it has them.
package struct NodeJob: Hashable, Sendable, VerbPayload {
    /// VDSM's words.
    package enum Status: String, Hashable, Sendable, Codable {
        case running
        case done
        case failed
    }

    package var id = ""
    package var job_type = ""
    package var status = Status.failed
    /// What the node is at, in its own words.
    package var step = HostileText("")
    /// Of this step, in whatever the step counts; 0 where it does not say.
    package var done: Int64 = 0
    package var total: Int64 = 0
    /// Why it failed: a sentence, and one of what to do. Hostile, and longer than a name.
    package var error: String?
    package var remedy: String?

    package init() {}

    package init(_ work: ImageWork) {
        (id, job_type, status) = (work.id.rawValue, work.kind.rawValue, .running)
    }

    /// 0 to 100, of this step; `nil` where it does not say.
    package var percent: Int? {
        guard total > 0, (0...total).contains(done) else { return nil }
        return Int(Double(done) / Double(total) * 100)
    }
}

/// The answer of `Host.getJobs`: the last job of this node, if there was one since it started.
package struct NodeJobs: Hashable, Sendable, VerbPayload {
    package var jobs: [String: NodeJob] = [:]

    package init() {}
    package init(_ job: NodeJob?) { if let job { jobs[job.id] = job } }
}

/// The answer of `Host.getDisks`.
package struct NodeDisks: Hashable, Sendable, VerbPayload {
    package var disks: [NodeDisk] = []

    package init() {}
    package init(_ disks: [NodeDisk]) { self.disks = Array(disks.prefix(NodeDisk.countMax)) }
}

/// The answer of `Host.planInstallation`: what would be done, a sentence each.
package struct InstallationPlan: Hashable, Sendable, VerbPayload {
    package var steps: [HostileText] = []

    /// The most sentences.
    package static let stepsMax = 100

    package init() {}
    package init(_ steps: [HostileText]) { self.steps = Array(steps.prefix(Self.stepsMax)) }
}
