package import HostModel

/// By what a server knows a client again (RFC 2131, section 4.2).
package enum ClientKey: Hashable, Sendable {
    case hardware(MACAddress)
    /// Option 61.
    case identifier([UInt8])

    /// The most bytes of an identifier; a client with a longer one is known by its hardware address.
    package static let identifierLengthMax = 255

    /// Firmware, loader and installed system of one machine send different option 61s, or none: by hardware address they
    /// share one lease, which is what a network for booting wants.
    package enum Rule: Hashable, Sendable {
        case hardwareAddress
        case clientIdentifier
    }
}

/// Who asks for an address.
package struct LeaseClient: Hashable, Sendable {
    package var key: ClientKey
    package var mac: MACAddress

    package init(key: ClientKey, mac: MACAddress) { (self.key, self.mac) = (key, mac) }
}

/// One address and who has it.
package struct Lease: Hashable, Sendable {
    package enum State: String, Hashable, Sendable {
        /// Kept for a moment, until the client chooses. Forgotten by a restart.
        case offered
        case bound
        /// Given back, or taken back: the client may have it again if nobody else got it.
        case released
        /// A client found it in use by somebody else.
        case quarantined
    }

    package var address: IPv4Address
    package var client: LeaseClient
    package var state: State
    /// When the state ends, on the caller's clock that never jumps.
    package var expiry: Duration

    package init(address: IPv4Address, client: LeaseClient, state: State, expiry: Duration) {
        (self.address, self.client, self.state, self.expiry) = (address, client, state, expiry)
    }

    /// True while nobody else may have the address.
    package func isActive(at now: Duration) -> Bool { state != .released && expiry > now }
}

/// A step from one lease table to the next. Absolute, so that applying it twice is applying it once.
package enum LeaseChange: Hashable, Sendable {
    case set(Lease)
    /// Forgets an offer.
    case withdraw(IPv4Address)

    /// True for what must survive a restart.
    package var isDurable: Bool {
        guard case .set(let lease) = self else { return false }
        return lease.state != .offered
    }
}
