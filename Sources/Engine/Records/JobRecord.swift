package import HostModel

/// Work that the engine does for a host, as people see it: oVirt's job with its steps.
package struct JobRecord: Sendable, Hashable {
    /// oVirt's words for jobs and steps.
    package enum Status: String, Sendable {
        case started
        case finished
        case failed
        case aborted
        /// Not begun yet.
        case unknown
    }

    package struct Step: Sendable, Hashable {
        package var name: String
        package var description: String
        package var status: Status
        /// 0 to 100; `nil` where nobody knows.
        package var percent: Int?
        /// What the node is at, escaped.
        package var activity: String?
        /// Milliseconds since 1970, where it was written down.
        package var began: Int64?
        package var ended: Int64?
    }

    package var id: UniqueID
    /// `install_disk`, `upgrade`, `rollback` or `reboot`; `convert`, `reinstall` or `uninstall`.
    package var kind: String
    package var description: String
    package var host: UniqueID
    package var hostName: HostName
    package var status: Status
    package var steps: [Step]
    /// Milliseconds since 1970.
    package var started: Int64
    package var ended: Int64?
    /// Why it failed, and what to do: sentences, escaped.
    package var error: String?
    package var remedy: String?
    /// Of a way back: what is not as it was before, a line each; `nil` before it has ended.
    package var report: [String]?
    package var user: String?
    package var correlation: String?
}

extension JobRecord {
    init(_ row: ImageJobRow, of host: HostRow) {
        (id, kind, self.host, hostName) = (row.id, row.kind.rawValue, row.host, host.name)
        description = row.title
        status = Status(rawValue: row.state.rawValue) ?? .unknown
        (started, ended, error, remedy) = (row.started, row.ended, row.error, row.remedy)
        (user, correlation) = (row.user, row.correlation)
        let order = ImageJobStep.all(of: row.kind)
        let position = order.firstIndex(of: row.step) ?? 0
        let current = Status(rawValue: row.state.rawValue) ?? .unknown
        steps = order.enumerated().map { index, step in
            Step(
                name: step.rawValue,
                description: step.title(row.kind),
                status: index < position ? .finished : index == position ? current : .unknown,
                percent: index == position ? row.percent : nil,
                activity: index == position ? row.activity : nil
            )
        }
    }
}

/// What an upgrade check found.
package struct UpgradeCheck: Sendable, Hashable {
    /// The image that runs.
    package var name: String
    package var version: String
    /// The active version of it; `nil` where none is published here.
    package var newest: String?

    package var isAvailable: Bool { newest.map { $0 != version } ?? false }
}

/// Which disk of a host gets which image.
package struct DiskInstallation: Sendable, Hashable {
    package var disk: DiskWord
    /// The serial number of the disk that may be wiped.
    package var wipe: DiskWord?
    /// `nil`: the image that the host runs, its active version.
    package var image: ImageReference?

    package init(disk: DiskWord, wipe: DiskWord? = nil, image: ImageReference? = nil) {
        (self.disk, self.wipe, self.image) = (disk, wipe, image)
    }
}
