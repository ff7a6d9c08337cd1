import ArgumentParser
import Engine
import Foundation
import Glibc
import HostModel

/// `muster-engine init`: makes the CA, the database, admin@internal and the Default data center.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make an installation: CA, database, admin@internal, Default data center and cluster, ovirtmgmt."
    )

    @OptionGroup var options: SettingOptions
    @Option(help: "A file whose first line is the password of admin@internal (default: one is made and printed once).")
    var adminPasswordFile: String?
    @OptionGroup var web: WebCertificateOptions

    func run() async throws {
        do {
            try await initialize()
        } catch let failure as StartFailure {
            throw failure.report()
        } catch let error as EngineError {
            throw StartFailure(error).report()
        }
    }

    private func initialize() async throws {
        let settings = try options.resolved()
        let serve = try ServeConfiguration(settings)
        guard let address = serve.address else {
            throw StartFailure(
                .usage,
                "The address of the engine is not known.",
                remedy: "Give --address: the name or IPv4 address by which nodes and browsers reach it."
            )
        }
        let password = try AdminPassword(file: adminPasswordFile)
        let certificate = try web.read(for: address)
        var engine = EngineSettings(dataDirectory: serve.dataDirectory, engineAddress: address)
        if let name = serve.organization { engine.organization = name }
        // The database holds password hashes; nobody else reads what is made here.
        umask(0o077)
        try await HostEngine.initialize(engine, adminPassword: password.text, web: certificate)
        try InstallationFile(address: address, organization: engine.organization).write(to: serve.dataDirectory)
        print("An installation for \(terminalEscaped(address)) is in \(serve.dataDirectory).")
        let fingerprint = try HostEngine.authorityFingerprint(in: serve.dataDirectory)
        print("SHA-256 of its CA, to compare at the first `muster login`: \(fingerprint)")
        if password.isGenerated {
            print("User admin@internal, password (shown only now): \(password.text)")
        }
    }
}

/// The first password of admin@internal.
struct AdminPassword: Hashable, Sendable {
    let text: String
    let isGenerated: Bool

    static let lengthMin = 8
    static let lengthMax = 1024

    /// Reads the first line of a file, or makes a password of 24 symbols (138 bits) that are hard to confuse.
    init(file: String?) throws(StartFailure) {
        guard let file else {
            let symbols = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
            var generator = SystemRandomNumberGenerator()
            let drawn = (0..<24).compactMap { _ in symbols.randomElement(using: &generator) }
            (text, isGenerated) = (String(drawn), true)
            return
        }
        guard let contents = FileManager.default.contents(atPath: file)?.prefix(Self.lengthMax + 1),
            let line = String(decoding: contents, as: UTF8.self).split(whereSeparator: \.isNewline).first,
            (Self.lengthMin...Self.lengthMax).contains(line.utf8.count)
        else {
            throw StartFailure(
                .configuration,
                "\(file) has no password of \(Self.lengthMin) to \(Self.lengthMax) bytes in its first line.",
                remedy: "Write one, or leave --admin-password-file out to have one made."
            )
        }
        (text, isGenerated) = (String(line), false)
    }
}
