/// Everything that a kickstart file says, for one machine and one installation.
package struct Kickstart: Hashable, Sendable, Codable {
    /// A built image that is unpacked instead of packages.
    package struct Image: Hashable, Sendable, Codable {
        /// Plain components (`ImageReference.isComponent`).
        package var name: String
        package var version: String
        package var file: String
        package var sha256: Nonce

        package init(name: String, version: String, file: String, sha256: Nonce) {
            (self.name, self.version, self.file, self.sha256) = (name, version, file, sha256)
        }
    }

    /// What is put on the disk.
    package enum Payload: Hashable, Sendable, Codable {
        /// CentOS Stream 9 from its packages, and our agent, whose file has this SHA-256.
        case packages(agent: Nonce)
        /// A node image, which has the agent in it.
        case image(Image)
    }

    package var host: HostName
    /// Name of the boot profile.
    package var profile: String
    package var firmware: BootFirmware
    package var payload: Payload
    package var settings: KickstartSettings
    package var machine: HostKickstart
    /// The token by which the installer tells how it ended; good for one report.
    package var reportToken: Nonce

    package init(
        host: HostName,
        profile: String,
        firmware: BootFirmware,
        payload: Payload,
        settings: KickstartSettings,
        machine: HostKickstart,
        reportToken: Nonce
    ) {
        (self.host, self.profile, self.firmware, self.payload) = (host, profile, firmware, payload)
        (self.settings, self.machine, self.reportToken) = (settings, machine, reportToken)
    }
}

// The messages of docs/protocols.md, section 2.

/// A link to one machine's kickstart, good for one fetch.
package struct KickstartTicket: Hashable, Sendable, Codable {
    package var token: Nonce
    /// Seconds until it is good for nothing.
    package var lifetimeSeconds: Int64

    package init(token: Nonce, lifetimeSeconds: Int64) { (self.token, self.lifetimeSeconds) = (token, lifetimeSeconds) }
}

/// Somebody fetches a kickstart by a token.
package struct KickstartFetch: Hashable, Sendable, Codable {
    package var token: Nonce
    package var address: IPv4Address?

    package init(token: Nonce, address: IPv4Address?) { (self.token, self.address) = (token, address) }
}

/// How an installation ended, as the installer tells it by its report token.
package struct InstallReport: Hashable, Sendable, Codable {
    package enum Outcome: String, Hashable, Sendable, Codable {
        case installed
        case failed
    }

    package var token: Nonce
    package var outcome: Outcome
    /// What the installer says went wrong.
    package var detail: HostileText?
    package var address: IPv4Address?

    package init(token: Nonce, outcome: Outcome, detail: HostileText? = nil, address: IPv4Address? = nil) {
        (self.token, self.outcome, self.detail, self.address) = (token, outcome, detail, address)
    }
}

/// Why a token opens nothing.
package enum TokenRefusal: String, Error, Hashable, Sendable, Codable {
    /// Nobody gave it out.
    case unknown
    /// It was used, or another took its place.
    case spent
    case expired
    /// What it stands for cannot be made any more: a profile or the host's settings are gone.
    case withdrawn
}

/// The answer to a fetch: the kickstart, or why there is none.
package struct KickstartAnswer: Hashable, Sendable, Codable {
    package var kickstart: Kickstart?
    package var refusal: TokenRefusal?

    package init(_ kickstart: Kickstart) { self.kickstart = kickstart }
    package init(_ refusal: TokenRefusal) { self.refusal = refusal }
}

/// The answer to a report.
package struct InstallReportAnswer: Hashable, Sendable, Codable {
    /// `nil`: taken.
    package var refusal: TokenRefusal?

    package init(_ refusal: TokenRefusal? = nil) { self.refusal = refusal }
}
