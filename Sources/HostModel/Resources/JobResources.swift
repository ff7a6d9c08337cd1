// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Jobs as oVirt's REST writes them, and our own of disks and images. docs/protocols.md section 3.

/// The body of oVirt's `jobs/ID/end`; what else is in it is skipped.
package struct JobEndResource: Hashable, Sendable, Codable {
    package var succeeded: Bool?

    private enum CodingKeys: String, CodingKey { case succeeded }

    /// oVirt's clients send both `true` and `"true"`.
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        if let flag = try? fields.decodeIfPresent(Bool.self, forKey: .succeeded) {
            succeeded = flag
        } else {
            succeeded = try fields.decodeIfPresent(String.self, forKey: .succeeded).map { $0.lowercased() == "true" }
        }
    }
}

/// `GET jobs/ID`: work that the engine does for a host.
package struct JobResource: Hashable, Sendable, Codable {
    /// One step, in the order in which they are done.
    package struct Step: Hashable, Sendable, Codable {
        package var id: String
        package var href: String?
        package var number: String
        /// Ours: `prepare`, `write`, `reboot`, `come_back`; of a conversion its step: `packages`, `management_network`.
        package var name: String
        /// oVirt's: `validating`, `executing` or `finalizing`.
        package var type: String
        package var description: String
        /// `started`, `finished`, `failed`, `aborted`, or `unknown` for one that has not begun.
        package var status: String
        /// When it began and ended, where that was written down: the steps of a conversion that are done on the server.
        package var start_time: String?
        package var end_time: String?
        /// 0 to 100; absent where nobody knows.
        package var progress: String?
        package var job: ResourceLink?
        /// Ours: what the node is at.
        package var activity: String?

        package init(id: String, number: String, name: String, description: String, status: String) {
            (self.id, self.number, self.name, type) = (id, number, name, "executing")
            (self.description, self.status) = (description, status)
        }
    }

    /// What oVirt has no element for.
    package struct Muster: Hashable, Sendable, Codable {
        /// `install_disk`, `upgrade` or `rollback`; `convert`, `reinstall` or `uninstall`.
        package var kind: String
        package var steps: [Step]
        /// Why it failed, and what to do.
        package var error: String?
        package var remedy: String?
        /// Of a way back: what is not as it was before, a line each.
        package var report: [String]?

        package init(kind: String, steps: [Step]) { (self.kind, self.steps) = (kind, steps) }
    }

    package var id: String
    package var href: String
    package var description: String
    /// `started`, `finished`, `failed`, `aborted`.
    package var status: String
    package var start_time: String
    package var end_time: String?
    package var last_updated: String?
    package var auto_cleared = "true"
    package var external = "false"
    package var correlation_id: String?
    package var owner: ResourceLink?
    package var host: ResourceLink?
    package var link: [WireLink]?
    package var muster: Muster

    package init(id: String, href: String, description: String, status: String, start_time: String, muster: Muster) {
        (self.id, self.href, self.description) = (id, href, description)
        (self.status, self.start_time, self.muster) = (status, start_time, muster)
    }
}

/// `{"job": […]}`, the newest first.
package struct JobCollection: Sendable, Codable {
    package var job: [JobResource]?
    package init(_ job: [JobResource]) { self.job = job }
}

/// `{"step": […]}`.
package struct StepCollection: Sendable, Codable {
    package var step: [JobResource.Step]?
    package init(_ step: [JobResource.Step]) { self.step = step }
}

/// `GET hosts/ID/disks`: `{"disk": […]}`, as the node tells them now. Hostile text.
package struct DiskCollection: Sendable, Codable {
    package var disk: [NodeDisk]?
    package init(_ disk: [NodeDisk]) { self.disk = disk }
}

/// The body of `POST hosts/ID/installdisk`.
package struct DiskInstallationRequest: Hashable, Sendable, Codable {
    package var disk: DiskWord
    /// The serial number of the disk that may be wiped.
    package var wipe: DiskWord?
    /// `NAME` or `NAME@VERSION`; absent: the image that the host runs.
    package var image: ImageReference?
    /// Only say what would be done.
    package var dry_run: Bool?

    package init(disk: DiskWord, wipe: DiskWord? = nil, image: ImageReference? = nil, dry_run: Bool? = nil) {
        (self.disk, self.wipe, self.image, self.dry_run) = (disk, wipe, image, dry_run)
    }
}
