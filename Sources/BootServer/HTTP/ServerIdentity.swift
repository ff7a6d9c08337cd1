import FoundationEssentials
import Glibc
import HostModel
import Logging
import NIOCore
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// The certificate and the key by which HTTPS is served, from their files. Read again when the files became others, so that a
/// renewal needs no restart; connections that are open stay on what they began with.
package final class ServerIdentity: Sendable {
    /// PEM files; both may be one.
    package struct Files: Hashable, Sendable {
        /// The server's certificate first, then those between it and the CA.
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) { (self.certificate, self.key) = (certificate, key) }
    }

    /// Why the files are not taken: a sentence without its full stop.
    struct Failure: Error, Hashable, CustomStringConvertible {
        var description: String
    }

    /// What a certificate says of itself.
    struct Facts: Hashable, Sendable {
        var begin: Date
        var end: Date
        /// In wire order.
        var addresses: Set<[UInt8]>
        var names: Set<String>
    }

    /// The longest file that is read, in bytes.
    static let bytesMax = 64 << 10
    /// How often the files are looked at.
    static let lookSeconds = 30
    /// Days before the certificate's end within which a warning says so, once a day.
    static let noticeDays = 21.0

    private struct Loaded: Sendable {
        var context: NIOSSLContext
        var facts: Facts
        var text: [String]
    }

    private let files: Files
    private let loaded: Mutex<Loaded>

    /// Throws `Failure` when the files cannot be used.
    init(_ files: Files) throws(Failure) {
        self.files = files
        loaded = Mutex(try Self.load(files))
    }

    /// For a new connection.
    var context: NIOSSLContext { loaded.withLock(\.context) }
    var facts: Facts { loaded.withLock(\.facts) }

    /// Takes the files where they became others; true when it did. What cannot be used changes nothing.
    func reload() throws(Failure) -> Bool {
        let text = try Self.text(files)
        guard loaded.withLock(\.text) != text else { return false }
        let new = try Self.load(files)
        let now = Date.now
        guard new.facts.begin <= now, new.facts.end > now || facts.end <= now else {
            throw Failure(description: "\(files.certificate) is good from \(new.facts.begin) to \(new.facts.end) only")
        }
        loaded.withLock { $0 = new }
        return true
    }

    /// Looks at the files until cancelled.
    func watch(_ logger: Logger) async {
        var noticed: Date?
        var complaint = ""
        while !Task.isCancelled {
            do throws(Failure) {
                if try reload() { logger.info("HTTPS has a new certificate", metadata: ["ends": "\(facts.end)"]) }
                complaint = ""
            } catch {
                if complaint != "\(error)" { logger.warning("HTTPS stays with the certificate that it has: \(error)") }
                complaint = "\(error)"
            }
            let now = Date.now
            if facts.end < now + Self.noticeDays * 86400, noticed.map({ now > $0 + 86400 }) ?? true {
                logger.warning(
                    "the certificate of HTTPS ends at \(facts.end); put its successor into \(files.certificate)"
                )
                noticed = now
            }
            try? await Task.sleep(for: .seconds(Self.lookSeconds))
        }
    }

    private static func text(_ files: Files) throws(Failure) -> [String] {
        [try read(files.certificate), try read(files.key)]
    }

    private static func load(_ files: Files) throws(Failure) -> Loaded {
        let text = try text(files)
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(Array(text[0].utf8)), !chain.isEmpty,
            let document = firstCertificate(text[0]), let leaf = try? Certificate(pemEncoded: document)
        else { throw Failure(description: "\(files.certificate) holds no certificate in PEM") }
        guard let key = try? NIOSSLPrivateKey(bytes: Array(text[1].utf8), format: .pem) else {
            throw Failure(description: "\(files.key) holds no private key in PEM without a passphrase")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = shutdown
        do {
            return Loaded(context: try NIOSSLContext(configuration: configuration), facts: Facts(leaf), text: text)
        } catch {
            throw Failure(description: "the key in \(files.key) is not that of the certificate in \(files.certificate)")
        }
    }

    /// How long a client may take to answer our last word before its connection is cut.
    private static let shutdown = TimeAmount.seconds(1)

    /// A file may hold a key and further certificates.
    private static func firstCertificate(_ text: String) -> String? {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")
        guard let first = text.firstRange(of: begin), let last = text[first.upperBound...].firstRange(of: end) else {
            return nil
        }
        return String(text[first.lowerBound..<last.upperBound])
    }

    private static func read(_ path: String) throws(Failure) -> String {
        guard let stream = fopen(path, "re") else {
            throw Failure(description: "\(path) cannot be read: \(StartFailure.reason(errno))")
        }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        let count = fread(&bytes, 1, bytes.count, stream)
        guard count <= bytesMax else { throw Failure(description: "\(path) is longer than \(bytesMax) bytes") }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

extension ServerIdentity.Facts {
    init(_ certificate: Certificate) {
        (begin, end) = (certificate.notValidBefore, certificate.notValidAfter)
        (addresses, names) = ([], [])
        for name in (try? certificate.extensions.subjectAlternativeNames).flatMap({ $0 }) ?? SubjectAlternativeNames([])
        {
            switch name {
            case .ipAddress(let address): addresses.insert(Array(address.bytes))
            case .dnsName(let name): names.insert(name)
            default: break
            }
        }
    }
}
