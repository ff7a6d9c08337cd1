package import HostModel

/// Something that happened while a server was converted or taken back.
package struct ConversionEvent: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable {
        case began
        case finished
        /// It had been done before, and still is.
        case already
        case failed
        /// The connection broke; the conversion goes on by itself.
        case reconnecting
        /// Another run of ours is still at work on the server; the conversion goes on after it.
        case waiting
    }

    package var step: ConversionStep.ID
    package var kind: Kind
    /// In plain words, safe on a terminal.
    package var sentence: String
    /// The end of what the step's programs printed, escaped for a terminal, at most 8 KiB of it.
    package var log: String

    package init(step: ConversionStep.ID, kind: Kind, sentence: String, log: String = "") {
        (self.step, self.kind, self.sentence, self.log) = (step, kind, sentence, log)
    }
}

/// What the caller keeps of a conversion: each event, in the order in which they happen. The server keeps its own journal;
/// this one is for whoever asks how far it is, also after the server is gone.
package protocol ConversionRecord: Sendable {
    func record(_ event: ConversionEvent) async throws(ConversionError)
}

/// Signs what a new host asks for.
package protocol HostCertificateAuthority: Sendable {
    /// `request`: PKCS #10 in PEM, the server's word. `hardware`: the machine id that the server has now.
    func certificate(
        forRequest request: String,
        hardware: HardwareID
    ) async throws(ConversionError) -> HostCertificate
}

/// What the authority answers.
package struct HostCertificate: Hashable, Sendable {
    /// PEM, leaf first.
    package var certificate: String
    /// The CA's certificate in PEM.
    package var authority: String
    package var host: UniqueID
    package var engine: EngineAddress

    package init(certificate: String, authority: String, host: UniqueID, engine: EngineAddress) {
        (self.certificate, self.authority, self.host, self.engine) = (certificate, authority, host, engine)
    }
}
