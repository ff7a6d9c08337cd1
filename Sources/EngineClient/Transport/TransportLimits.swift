/// The named limits of a transport.
package struct TransportLimits: Hashable, Sendable {
    /// Seconds for TCP and TLS.
    package var connectSeconds = 10
    /// The longest silence while sending a call or waiting for its answer, in seconds. Calls that hold their answer
    /// (`events?wait=30`) must stay below it.
    package var readSeconds = 60
    /// The longest body of an answer, in bytes.
    package var answerBytesMax = 8 << 20
    /// Connections kept open between calls.
    package var idleConnectionsMax = 4
    /// The address of this machine from which TCP connections go out; `nil`: the kernel chooses.
    package var sourceAddress: String?

    package init() {}
}
