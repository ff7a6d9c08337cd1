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
    package var monitoring = MonitoringTimes()
    package var clock = WallClock.system

    package init(dataDirectory: String, engineAddress: String) {
        (self.dataDirectory, self.engineAddress) = (dataDirectory, engineAddress)
    }

    package var databasePath: String { "\(dataDirectory)/engine.db" }
    package var keyDirectory: String { "\(dataDirectory)/pki" }
    package var imageDirectory: String { "\(dataDirectory)/images" }
}

/// How many claims may wait, and for how long.
package struct EnrolmentLimits: Sendable {
    package var claimLifetimeSeconds: Int64 = 24 * 3600
    /// A claim whose nonce is not opened within this time is dropped.
    package var openingSeconds: Int64 = 300
    package var openClaimsMax = 2000
    package var openClaimsPerSourceMax = 64
    /// Hosts in `pending_approval`.
    package var pendingHostsMax = 2000
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

    package init() {}
}
