import HostModel

/// What one installation is told from outside, and its limits. Read once, in the roof.
package struct EngineSettings: Sendable {
    /// Where everything lies: `engine.db`, `pki/`, `images/`.
    package var dataDirectory: String
    /// The `O` of every certificate.
    package var organization = "Muster"
    /// The name or IPv4 address that nodes and browsers use; it is in the engine's certificate and in boot scripts.
    package var engineAddress: String
    /// The agent's file for hosts that a kickstart installs; muster-boot serves the same.
    package var agentFile = AgentFile.installed
    package var kickstarts = KickstartLimits()
    package var enrolment = EnrolmentLimits()
    package var renewal = RenewalTimes()
    package var monitoring = MonitoringTimes()
    package var imageWork = ImageWorkTimes()
    package var conversions = ConversionTimes()
    package var power = PowerTimes()
    /// The UDP port on which hosts tell that they write a crash dump (fence_kdump); `nil`: it is not listened to.
    package var kdumpPort: UInt16?
    /// Where fence agents are looked for.
    package var fenceAgentFolders = ["/usr/sbin", "/sbin", "/usr/bin"]
    /// The port at which servers and nodes reach the web side of this engine.
    package var httpsPort = EngineAddress.defaultPort
    /// Where nodes fetch images by clear HTTP: `ADDRESS` or `ADDRESS:PORT` of the boot server; `nil`: `engineAddress`.
    package var imageServer: String?
    package var boot = BootLimits()
    /// The certificate of the boot services' HTTPS, which the engine makes; `nil`: there is none.
    package var bootCertificate: BootCertificatePlace?
    package var bootServers = BootServerLimits()
    package var sessions = SessionLimits()
    package var retention = EventRetention()
    /// What a reader of the metrics shows; `nil`: only signed-in users read them.
    package var metricsToken: String?
    package var clock = WallClock.system
    /// Every setting as it was read, for whoever looks for a fault; no secret is among them.
    package var shown: [String: String] = [:]
    /// The newest lines of the engine's own log.
    package var recentLog: @Sendable () -> [String] = { [] }

    package init(dataDirectory: String, engineAddress: String) {
        (self.dataDirectory, self.engineAddress) = (dataDirectory, engineAddress)
    }

    package var databasePath: String { "\(dataDirectory)/engine.db" }
    package var keyDirectory: String { "\(dataDirectory)/pki" }
    package var imageDirectory: String { "\(dataDirectory)/images" }
}

/// The newest events that are kept of each class, and for how long.
package struct EventRetention: Sendable {
    package var days = 365
    package var other = 500_000
    package var strangers = 100_000
    package var boot = 200_000

    package init() {}

    package func count(of kind: EventCode.Class) -> Int {
        switch kind {
        case .other: other
        case .strangers: strangers
        case .boot: boot
        }
    }
}

/// How many claims may wait, and for how long.
package struct EnrolmentLimits: Sendable {
    package var claimLifetimeSeconds: Int64 = 24 * 3600
    /// A claim whose nonce is not opened within this time is dropped.
    package var openingSeconds: Int64 = 300
    /// How long an announced machine may take from its power to its boot script, and from there to its claim.
    package var arrivalSeconds: Int64 = 900
    /// Open claims of all sources, of one source, on one host. Of all sources and on one host the oldest one of whoever
    /// has most gives way to a newcomer; a source that has its share is refused.
    package var openClaimsMax = 2000
    package var openClaimsPerSourceMax = 64
    package var openClaimsPerHostMax = 16
    /// Hosts that machines made known and nobody approved, of all sources and of one. The oldest one of whoever has most
    /// gives way; a source that has its share with open claims is refused.
    package var waitingHostsMax = 2000
    package var waitingHostsPerSourceMax = 64
    /// Such a host is forgotten when its machine was not heard for so long.
    package var waitingHostSeconds: Int64 = 7 * 24 * 3600
    /// How long a closed claim still answers its node.
    package var closedClaimSeconds: Int64 = 7 * 24 * 3600
    /// Closed claims kept of one host and of all; what an approval issued does not count.
    package var closedClaimsPerHostMax = 8
    package var closedClaimsMax = 10_000
    /// How long a machine that a person rejected is told so.
    package var rejectionSeconds: Int64 = 24 * 3600
    package var rejectionsMax = 10_000
    /// Spent nonces kept of a key that has an open claim or a certificate, the newest ones.
    package var noncesPerKeyMax = 1000
    /// How long, and how many, spent nonces of other keys are kept.
    package var strayNonceSeconds: Int64 = 24 * 3600
    package var strayNoncesMax = 200_000
    package var claimsPerMinutePerSource = 60
    package var wrongCodesPerClaimMax = 5
    package var pollSeconds = 3
    /// Bytes of a certificate request in PEM.
    package var certificateRequestBytesMax = 8192

    package init() {}
}

/// oVirt's timers (engine-config defaults), in milliseconds.
package struct MonitoringTimes: Sendable {
    /// VdsRefreshRate.
    package var refresh: Int64 = 3000
    /// vdsConnectionTimeout.
    package var connect: Int64 = 20_000
    /// vdsTimeout.
    package var call: Int64 = 180_000
    /// TimeoutToResetVdsInSeconds: how long a silent host stays `connecting`.
    package var grace: Int64 = 60_000
    /// VDSAttemptsToResetCount: failures in a row that are always forgiven.
    package var attemptsMax = 2
    /// VdsRecoveryTimeoutInMinutes.
    package var recovery: Int64 = 180_000
    /// How long an approved host may take until its agent answers.
    package var firstContact: Int64 = 600_000
    /// NetworkConnectivityCheckTimeoutInSeconds.
    package var connectivityCheck: Int64 = 120_000
    /// SetupNetworksPollingTimeout.
    package var connectivityPoll: Int64 = 2000
    /// How long one confirmation may take before a fresh connection is tried.
    package var confirmation: Int64 = 3000
    /// Runs of one stored step before the installation is called failed.
    package var stepAttemptsMax = 5
    /// The pause between two of them.
    package var stepRetry: Int64 = 2000
    /// How long a step of an installation meets failures before it is told that it waits.
    package var waitTold: Int64 = 30_000
    /// How long a host whose conversion is taken back on failure may be unfit for its cluster.
    package var proof: Int64 = 300_000
    /// Between two readings of statistics that are kept of a host that answers more often: oVirt's.
    package var figures: Int64 = 15_000
    /// How long the nic below a required network may be without a link: a cable that is moved and a switch that learns its tree
    /// anew are no failure of the host.
    package var linkLoss: Int64 = 60_000

    package init() {}
}
