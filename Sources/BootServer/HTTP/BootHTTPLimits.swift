package import NIOCore

/// The named limits of the HTTP boot server.
package struct BootHTTPLimits: Hashable, Sendable {
    /// Connections open at once; one more is closed unanswered.
    package var connectionsMax = 4096
    /// The same for HTTPS, whose connections hold what is read for them in memory.
    package var encryptedConnectionsMax = 512
    /// Connections open at once from one address.
    package var connectionsPerPeerMax = 64
    /// The longest request line and header together, in bytes.
    package var headBytesMax = 16 * 1024
    /// The most header fields of a request.
    package var headerFieldsMax = 64
    /// The longest body that is read and thrown away, in bytes: no call here takes one.
    package var bodyBytesMax = 4096
    /// From the opening of a connection to the end of its first request.
    package var firstRequest = TimeAmount.seconds(10)
    /// From the end of an answer to the end of the next request.
    package var nextRequest = TimeAmount.seconds(60)
    /// The slowest that a client may take a file, in bytes a second, measured over each slice: what every one of
    /// `downloadsMax` has on a line of 100 Mbit/s, with a third to spare. Slower ones are cut off.
    package var bytesPerSecondMin = 32 << 10
    /// The time that a client has at least for a slice or a short answer.
    package var sliceMin = TimeAmount.seconds(10)
    /// How often a slice on its way is looked at.
    package var sliceCheck = TimeAmount.seconds(1)
    /// From the opening of an HTTPS connection to the end of its handshake.
    package var handshake = TimeAmount.seconds(5)
    /// TLS handshakes that go on at once, of all and of one address; one more is closed, and its client tries again.
    package var handshakesMax = 512
    package var handshakesPerPeerMax = 16
    /// HTTPS connections of one address, and then one more every `askMilliseconds`: a handshake costs as much as a megabyte.
    package var handshakesPerPeer = 40
    /// By HTTPS files are read and encrypted in slices of so many bytes: what a connection holds in memory, about twice.
    package var encryptedSliceBytes = 64 << 10
    /// Bytes a second that one connection gets at most; `nil`: as fast as it goes.
    package var bytesPerSecondMax: Int?
    /// Files are sent in slices of so many bytes, so that a client that stops reading is noticed.
    package var sliceBytes = 1 << 20
    /// How long a closed connection is read from, so that the client gets to read our last answer.
    package var linger = TimeAmount.seconds(2)
    /// Image files sent at once; one more gets 503 with `Retry-After`, which iPXE obeys.
    package var downloadsMax = 256
    /// Image files sent at once to one address: a machine loads one or two.
    package var downloadsPerPeerMax = 8
    /// Scripts and image files that the engine is asked about for one address, and then one more every `askMilliseconds`.
    /// A boot takes about five.
    package var asksPerPeer = 40
    package var askMilliseconds = 500
    /// Addresses whose asking is counted; others are told to come again while the table is full.
    package var askingPeersMax = 8192
    /// Seconds of that `Retry-After`.
    package var retrySeconds = 5
    /// Reports of scripts taken from one machine and from one address, and then one more every `reportSeconds`.
    package var reportsPerMachine = 8
    package var reportSeconds = 10
    /// Machines and addresses whose reports are counted; reports of others are dropped while the table is full.
    package var reportingMachinesMax = 4096

    package init() {}

    /// The time that a client has for so many bytes.
    func time(forBytes count: Int64) -> TimeAmount {
        max(sliceMin, .nanoseconds(count * 1_000_000_000 / Int64(max(1, bytesPerSecondMin))))
    }
}
