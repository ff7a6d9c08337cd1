import Crypto
import Foundation
import HostModel
import Logging
import SwiftASN1
import X509

/// Where the boot services find the certificate of their HTTPS, and what it names.
package struct BootCertificatePlace: Sendable {
    /// One file with certificate and key, so that they are never of two pairs. In a directory that forgets when the machine
    /// does: the key is in no backup.
    package var path: String
    /// Whoever may read it besides the engine.
    package var group: UInt32
    /// The addresses of the boot server, at least one.
    package var addresses: [String]
    /// This machine's name.
    package var name: String

    package init(path: String, group: UInt32, addresses: [String], name: String) {
        (self.path, self.group, self.addresses, self.name) = (path, group, addresses, name)
    }

    /// Why there can be no such certificate, where the engine has the boot server's address for its name: browsers and SDKs,
    /// which know no roles, would take the boot server for the engine.
    package func refusal(engineAddress: String) -> EngineError? {
        guard addresses.contains(engineAddress) else { return nil }
        return EngineError(
            .conflict,
            "The boot services get no certificate for \(engineAddress): it would be one for the engine, too.",
            remedy: "Reach the engine by a name or another address (--address), or use --boot-https-port none."
        )
    }

    static let mode: mode_t = 0o640
    /// Days. Machines meet it for minutes, and it is renewed by itself.
    static let lifetime = 90.0
    /// It is renewed when it has fewer days than this.
    static let renewal = 30.0
    static let lookSeconds = 3600
}

// muster-boot talks to strangers, so it gets a key of its own: whoever takes it can play the boot server, which speaks in clear
// beside, and nothing else. The certificate is for servers only, and is not the engine's by role or name.

extension HostEngine {
    /// Makes the certificate where there is none, where it names others, and where it ends soon; true when it did.
    @discardableResult
    func renewBootCertificate() throws(EngineError) -> Bool {
        guard let place = settings.bootCertificate, let first = place.addresses.first else { return false }
        if let refusal = place.refusal(engineAddress: settings.engineAddress) { throw refusal }
        let now = Date(timeIntervalSince1970: Double(settings.clock.now()) / 1000)
        let further = place.addresses.dropFirst() + name(of: place)
        guard !isGood(place, names: [first] + further, now) else { return false }
        let key = P256.Signing.PrivateKey()
        let certificate = try? authority.issue(
            role: .boot(.random()),
            address: first,
            further: Array(further),
            key: key.publicKey,
            usages: [.serverAuth],
            lifetime: BootCertificatePlace.lifetime * CertificateAuthority.day,
            now: now
        )
        guard let pem = try? certificate?.serializeAsPEM().pemString else {
            throw EngineError(.failed, "The CA could not sign the certificate of the boot services.")
        }
        let text = "\(key.pemRepresentation)\n\(pem)\n\(authorityPEM)"
        try DurableFile.write(text.utf8, to: place.path, mode: BootCertificatePlace.mode, group: place.group)
        return true
    }

    func keepBootCertificate() async {
        guard settings.bootCertificate != nil else { return }
        while !Task.isCancelled {
            do {
                if try renewBootCertificate() { logger.info("the boot services have a new certificate for HTTPS") }
            } catch {
                logger.warning("The certificate of the boot services was not renewed: \(error)")
            }
            try? await Task.sleep(for: .seconds(BootCertificatePlace.lookSeconds))
        }
    }

    /// Never the engine's own name: browsers and SDKs, which know no roles, would take the boot server for the engine.
    private func name(of place: BootCertificatePlace) -> [String] {
        guard let name = HostName(place.name), name.rawValue != "localhost", name.rawValue != settings.engineAddress,
            IPAddress(name.rawValue) == nil
        else { return [] }
        return [name.rawValue]
    }

    private func isGood(_ place: BootCertificatePlace, names: [String], _ now: Date) -> Bool {
        guard let text = FileManager.default.contents(atPath: place.path).map({ String(decoding: $0, as: UTF8.self) }),
            let start = text.range(of: "-----BEGIN CERTIFICATE-----"),
            let end = text.range(of: "-----END CERTIFICATE-----"), start.lowerBound < end.lowerBound,
            let certificate = try? Certificate(pemEncoded: String(text[start.lowerBound..<end.upperBound])),
            let key = try? P256.Signing.PrivateKey(pemRepresentation: String(text[..<start.lowerBound])),
            let named = try? certificate.extensions.subjectAlternativeNames
        else { return false }
        // Nor a name more: one that has become the engine's would be in it.
        let found = named.filter { if case .uniformResourceIdentifier = $0 { false } else { true } }
        return Set(names.map(CertificateAuthority.generalName)) == Set(found)
            && P256.Signing.PublicKey(certificate.publicKey)?.rawRepresentation == key.publicKey.rawRepresentation
            && authority.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
            && certificate.notValidBefore <= now
            && certificate.notValidAfter > now + BootCertificatePlace.renewal * CertificateAuthority.day
    }
}
