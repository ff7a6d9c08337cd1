import ArgumentParser
import Engine
import Foundation
import HostModel

/// The pair of files with another certificate for the web listener.
struct WebCertificateOptions: ParsableArguments {
    @Option(
        name: .customLong("tls-cert"),
        help: ArgumentHelp(
            "Another certificate for HTTPS than one of the engine's CA: PEM, the leaf first, then its issuers.",
            valueName: "file"
        )
    )
    var certificate: String?

    @Option(
        name: .customLong("tls-key"),
        help: ArgumentHelp("Its key: PEM, RSA or ECDSA, not encrypted.", valueName: "file")
    )
    var key: String?

    func validate() throws {
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together.")
        }
    }

    /// `nil` when none is given. Says on standard error when the certificate is for other names than `address`.
    func read(for address: String?) throws(EngineError) -> WebCertificate? {
        guard let certificate, let key else { return nil }
        let read = try WebCertificate(certificateFile: certificate, keyFile: key, now: .now)
        if let address, !read.isFor(address) {
            let names = read.names.isEmpty ? "no name" : read.names.map { terminalEscaped($0) }.joined(separator: ", ")
            let sentence = "warning: the certificate is for \(names), not for \(address): clients refuse it there\n"
            FileHandle.standardError.write(Data(sentence.utf8))
        }
        return read
    }
}

/// `muster-engine certificate`: which certificate HTTPS shows, and another one.
struct CertificateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate",
        abstract: "Show or change the certificate of HTTPS.",
        discussion: """
            With --tls-cert and --tls-key HTTPS shows that certificate from the engine's next start on, with --own one of the \
            engine's own CA again. The files are copied. Nodes, and whoever pinned the engine's CA, are not touched by it: they \
            go on with the engine's own.
            """
    )

    @OptionGroup var options: SettingOptions
    @OptionGroup var web: WebCertificateOptions
    @Flag(help: "Go back to the engine's own.")
    var own = false

    func validate() throws {
        guard !own || web.certificate == nil else { throw ValidationError("Either --own or --tls-cert and --tls-key.") }
    }

    func run() throws {
        do {
            let serve = try ServeConfiguration(options.resolved())
            let directory = serve.dataDirectory
            let address = try serve.address ?? InstallationFile.read(from: directory)?.address
            if let certificate = try web.read(for: address) {
                try HostEngine.setWebCertificate(certificate, in: directory)
                print("From its next start on the engine shows this certificate:")
            } else if own {
                try HostEngine.setWebCertificate(nil, in: directory)
                print("From its next start on the engine shows its own certificate.")
            }
            print(try Self.sentence(of: HostEngine.webCertificate(in: directory), directory))
        } catch let failure as StartFailure {
            throw failure.report()
        } catch let error as EngineError {
            throw StartFailure(error).report()
        }
    }

    private static func sentence(of certificate: WebCertificate?, _ directory: String) throws -> String {
        guard let certificate else {
            return "One of the engine's own CA, SHA-256 \(try HostEngine.authorityFingerprint(in: directory))."
        }
        return """
            \(terminalEscaped(certificate.subject))
            issued by \(terminalEscaped(certificate.issuer))
            for \(certificate.names.map { terminalEscaped($0) }.joined(separator: ", "))
            until \(certificate.end.formatted(.iso8601))
            """
    }
}
