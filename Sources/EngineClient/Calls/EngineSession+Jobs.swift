package import HostModel
import NIOCore
import NIOHTTP1

extension EngineSession {
    private static func path(_ host: String, _ action: String) -> String {
        "\(api)/hosts/\(percentEncoded(host))/\(action)"
    }

    /// The host's disks, asked of it now.
    package func disks(of host: String) async throws(CallError) -> [NodeDisk] {
        try await decode(DiskCollection.self, .get(Self.path(host, "disks"))).disk ?? []
    }

    /// What the switches say at the other ends of the host's NICs; hostile text.
    package func neighbours(of host: String) async throws(CallError) -> [String: LLDPReport] {
        try await decode(LLDPCollection.self, .get(Self.path(host, "lldp"))).nic ?? [:]
    }

    /// The ends of the host's logs, asked of it now; hostile text.
    package func logs(of host: String, lines: Int) async throws(CallError) -> [HostLog] {
        try await decode(HostLogCollection.self, .get(Self.path(host, "logs?max=\(lines)"))).log ?? []
    }

    /// Begins an installation on a disk, or, with `dry_run`, says what it would do.
    package func installDisk(
        _ host: String,
        _ request: DiskInstallationRequest
    ) async throws(CallError) -> ActionResource {
        try await decode(ActionResource.self, try Self.json(.POST, Self.path(host, "installdisk"), request))
    }

    /// Begins an upgrade; `nil`: to the active version of the image that the host runs.
    package func upgrade(_ host: String, to image: ImageReference?) async throws(CallError) -> ActionResource {
        let body = image.map { ["image": $0.description] } ?? [:]
        return try await decode(ActionResource.self, try Self.json(.POST, Self.path(host, "upgrade"), body))
    }

    /// Has the engine compare what the host runs with what is published; the host's `newer_version` says what it found.
    package func checkUpgrade(_ host: String) async throws(CallError) {
        _ = try await perform(.post(Self.path(host, "upgradecheck"), ByteBuffer(string: "{}")))
    }

    /// Begins the way back to the image in the other slot.
    package func rollBack(_ host: String) async throws(CallError) -> ActionResource {
        try await decode(ActionResource.self, .post(Self.path(host, "rollback"), ByteBuffer(string: "{}")))
    }

    /// One job, with its steps.
    package func job(_ id: String) async throws(CallError) -> JobResource {
        try await decode(JobResource.self, .get("\(Self.api)/jobs/\(percentEncoded(id))"))
    }

    /// Jobs of all hosts, the newest first.
    package func jobs(max: Int) async throws(CallError) -> [JobResource] {
        try await decode(JobCollection.self, .get("\(Self.api)/jobs?max=\(max)")).job ?? []
    }

    /// Ends a job before its time; `complete` where it has ended.
    package func abortJob(_ id: String) async throws(CallError) -> ActionResource {
        let path = "\(Self.api)/jobs/\(percentEncoded(id))/abort"
        return try await decode(ActionResource.self, .post(path, ByteBuffer(string: "{}")))
    }

    /// The host's jobs, the newest first.
    package func jobs(of host: String) async throws(CallError) -> [JobResource] {
        try await decode(JobCollection.self, .get(Self.path(host, "jobs"))).job ?? []
    }
}
