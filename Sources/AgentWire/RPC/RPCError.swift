/// The `error` member of a JSON-RPC 2.0 reply; also what a verb throws.
package struct RPCError: Error, Hashable, Sendable, Codable {
    /// JSON-RPC's own codes are negative, VDSM's positive (ovirt.md 5.3, 6.3). Unknown ones survive.
    package struct Code: RawRepresentable, Hashable, Sendable, Codable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let parseError = Code(rawValue: -32700)
        package static let invalidRequest = Code(rawValue: -32600)
        package static let methodNotFound = Code(rawValue: -32601)
        package static let invalidParams = Code(rawValue: -32602)
        package static let internalError = Code(rawValue: -32603)

        /// What a fence agent failed with (VDSM's fenceNode).
        package static let fenceAgentFailed = Code(rawValue: 1)
        /// The peer was not heard within the connectivity timeout.
        package static let lostConnection = Code(rawValue: 10)
        package static let missingParameter = Code(rawValue: 11)
        package static let unexpected = Code(rawValue: 16)
        package static let badParameters = Code(rawValue: 21)
        package static let badAddress = Code(rawValue: 22)
        package static let badNIC = Code(rawValue: 23)
        package static let usedNIC = Code(rawValue: 24)
        package static let badBonding = Code(rawValue: 25)
        package static let badVLAN = Code(rawValue: 26)
        package static let badBridge = Code(rawValue: 27)
        package static let failedIfup = Code(rawValue: 29)
        /// Another call holds what this one needs, for example a running setupNetworks.
        package static let resourceUnavailable = Code(rawValue: 40)
        package static let unsupportedFenceAgent = Code(rawValue: 43)
        package static let hardwareInformation = Code(rawValue: 57)
        /// VDSM's "invalid parameter": a certificate that is not for this host.
        package static let badCertificate = Code(rawValue: 91)
        /// The agent is not ready yet.
        package static let recovering = Code(rawValue: 99)
        package static let general = Code(rawValue: 100)
        /// A program of the administrator that runs before a change failed.
        package static let hookError = Code(rawValue: 1500)
        /// Too many calls at once.
        package static let exhausted = Code(rawValue: 1100)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
}

extension RPCError: CustomStringConvertible {
    package var description: String { "\(message) (code \(code.rawValue))" }
}
