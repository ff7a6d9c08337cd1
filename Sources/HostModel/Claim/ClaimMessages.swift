// The JSON of the enrolment calls, docs/protocols.md section 1. Times are seconds since 1970 UTC.

/// `POST /ovirt-engine/services/muster-claim`: a node asks to be a host.
package struct ClaimRequest: Hashable, Sendable, Codable {
    /// The version of this protocol; 1.
    package var version = 1
    /// PKCS #10 in PEM, signed by the key that the node made and keeps.
    package var certificateRequest: String
    /// SHA-256 of the node's nonce, which it opens only after it has the engine's.
    package var nonceHash: Nonce
    package var hardwareID: HardwareID
    /// The name that the node would like; the engine makes it unique.
    package var name: HostName?
    /// The address on which the node's agent listens.
    package var address: IPv4Address
    /// The agent's TCP port; 54321 unless set.
    package var port: UInt16
    package var facts: HostFacts
    /// `muster.token=` of the boot script, where it had one.
    package var bootToken: Nonce?

    package init(
        certificateRequest: String,
        nonceHash: Nonce,
        hardwareID: HardwareID,
        name: HostName?,
        address: IPv4Address,
        port: UInt16,
        facts: HostFacts
    ) {
        (self.certificateRequest, self.nonceHash, self.hardwareID) = (certificateRequest, nonceHash, hardwareID)
        (self.name, self.address, self.port, self.facts) = (name, address, port, facts)
    }
}

/// The engine's answer to a claim (201): its nonce and its CA, which the node then opens its own nonce for.
package struct ClaimReply: Hashable, Sendable, Codable {
    package var claim: UniqueID
    package var engineNonce: Nonce
    /// The engine's CA certificate in PEM.
    package var authority: String
    /// The engine's clock: the node sets its own by it before any validity check.
    package var time: Int64
    /// How long to wait between two polls, in seconds.
    package var pollSeconds: Int

    package init(claim: UniqueID, engineNonce: Nonce, authority: String, time: Int64, pollSeconds: Int) {
        (self.claim, self.engineNonce, self.authority) = (claim, engineNonce, authority)
        (self.time, self.pollSeconds) = (time, pollSeconds)
    }
}

/// `POST …/muster-claim/ID/nonce`: the node opens its commitment.
package struct ClaimOpening: Hashable, Sendable, Codable {
    package var nonce: Nonce

    package init(nonce: Nonce) { self.nonce = nonce }
}

/// `GET …/muster-claim/ID`, and the answer to the opening: where the claim stands.
package struct ClaimProgress: Hashable, Sendable, Codable {
    package enum State: String, Hashable, Sendable, Codable {
        /// The engine waits for the node's nonce.
        case committed
        /// Waiting for a person to approve the code.
        case pending
        case approved
        case rejected
        /// Not approved in time; the node makes a new claim.
        case expired
    }

    package var state: State
    /// The name that the host has in the engine.
    package var name: HostName
    package var time: Int64
    package var pollSeconds: Int
    /// Once approved: the node's certificate chain in PEM, leaf first.
    package var certificate: String?
    /// Once approved: the engine's id of the host, which the certificate's `muster:host/ID` names.
    package var host: UniqueID?

    package init(
        state: State,
        name: HostName,
        time: Int64,
        pollSeconds: Int,
        certificate: String? = nil,
        host: UniqueID? = nil
    ) {
        (self.state, self.name, self.time, self.pollSeconds) = (state, name, time, pollSeconds)
        (self.certificate, self.host) = (certificate, host)
    }
}
