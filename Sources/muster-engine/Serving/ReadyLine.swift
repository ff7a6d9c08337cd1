import HostModel

/// The line on standard output that says that the engine serves, and what its nodes are to trust:
/// `ready: https=0.0.0.0:443 engine=engine.example.org fingerprint=…`. The supervisor reads it from its child.
struct ReadyLine: Hashable, Sendable, CustomStringConvertible {
    /// Where it listens: `0.0.0.0:443`.
    var listening: String
    /// Where nodes and browsers reach it: a name or an address, and the port unless it is 443.
    var engine: String
    /// SHA-256 of the CA certificate's DER.
    var fingerprint: Nonce

    private static let prefix = "ready:"

    init(listen: String, port: Int, address: HostName, fingerprint: Nonce) {
        listening = "\(listen):\(port)"
        engine = port == 443 ? address.rawValue : "\(address):\(port)"
        self.fingerprint = fingerprint
    }

    /// `nil` for any other line. What it says becomes arguments of another program, so each part is checked.
    init?(_ line: some StringProtocol) {
        let words = String(line).split(separator: " ")
        guard words.count == 4, words[0] == Self.prefix else { return nil }
        var values: [Substring: Substring] = [:]
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            values[parts[0]] = parts[1]
        }
        guard let listening = values["https"], let engine = values["engine"],
            let fingerprint = values["fingerprint"].flatMap({ Nonce(hex: $0) })
        else { return nil }
        let place = engine.split(separator: ":", omittingEmptySubsequences: false)
        guard HostName(place[0]) != nil, place.count == 1 || (place.count == 2 && UInt16(place[1]) != nil) else {
            return nil
        }
        (self.listening, self.engine, self.fingerprint) = (String(listening), String(engine), fingerprint)
    }

    var description: String {
        "\(Self.prefix) https=\(listening) engine=\(engine) fingerprint=\(fingerprint)"
    }
}
