import FoundationEssentials
import HostModel

/// What is wrong with the certificate of HTTPS, before a machine finds out.
struct CertificateCheck {
    let settings: BootServicesSettings
    var now = Date.now

    /// Nothing where HTTPS is not served.
    func findings() -> [StartCheck.Finding] {
        guard let https = settings.https else { return [] }
        do {
            return findings(of: try ServerIdentity(https.files).facts, https.files.certificate)
        } catch {
            let remedy = "correct --tls-certificate and --tls-key"
            return [StartCheck.Finding(what: "HTTPS cannot be served: \(error)", remedy: remedy)]
        }
    }

    /// Machines name the server by its address; a certificate with names alone is one that they refuse.
    func findings(of facts: ServerIdentity.Facts, _ file: String) -> [StartCheck.Finding] {
        var findings = settings.addresses.filter { !facts.addresses.contains($0.octets) }.map { address in
            StartCheck.Finding(
                what: "the certificate in \(file) does not name the address \(address)",
                remedy: "have one made with this address as its subject alternative name"
            )
        }
        if facts.begin > now || facts.end < now {
            let what = "the certificate in \(file) is good from \(facts.begin) to \(facts.end) only"
            findings.append(StartCheck.Finding(what: what, remedy: "have a new one made, and look at the clock"))
        } else if facts.end < now + ServerIdentity.noticeDays * 86400 {
            let what = "the certificate in \(file) ends at \(facts.end)"
            findings.append(StartCheck.Finding(what: what, remedy: "put its successor there before that"))
        }
        guard findings.isEmpty else { return findings }
        return [StartCheck.Finding(what: "the certificate in \(file) is good until \(facts.end)")]
    }
}
