import ArgumentParser
import Foundation
import HostModel
import Signing
import SystemPackage

struct ImageKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "The key that signs images.",
        discussion: """
            Images are signed with a key of their own, which is neither the engine's nor on the engine. Its certificate is put \
            into every initramfs, so that a node takes root images of this key alone. Back the folder up: without the key no \
            image can be signed that running nodes accept.

            The folder is --directory, else /etc/muster/image-signing where this user can read the key there, else \
            $XDG_CONFIG_HOME/muster/image-key.
            """,
        subcommands: [ImageKeyCreate.self, ImageKeyShow.self, ImageKeyRotate.self]
    )
}

/// Which key is meant.
struct ImageKeyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of the key.", valueName: "folder"), completion: .directory)
    var directory: String?

    func keyDirectory() throws(UserError) -> ImageKeyDirectory {
        try ImageKeyDirectory.find(directory, environment: ProcessInfo.processInfo.environment)
    }
}

/// What a new key needs to be told.
struct NewImageKeyOptions: ParsableArguments {
    @Option(help: "The name in the certificate.")
    var name = Self.nameDefault

    static let nameDefault = "muster image signing"

    @Option(
        help: ArgumentHelp(
            "Encrypt the key with the first line of this file; builds then need it too.",
            valueName: "file"
        ),
        completion: .file()
    )
    var passphraseFile: String?

    func validate() throws {
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
            throw ValidationError("--name takes 1 to 64 bytes of text")
        }
    }

    func passphrase() throws(UserError) -> String? { try ImageKeyDirectory.passphrase(in: passphraseFile) }
}

struct ImageKeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a key and its certificate; a key that is there is left alone."
    )

    @OptionGroup var key: ImageKeyOptions
    @OptionGroup var new: NewImageKeyOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let directory = try key.keyDirectory()
        let passphrase = try new.passphrase()
        let now = Int64(Date().timeIntervalSince1970)
        let certificate = try UserError.of { () throws(SigningError) in
            try directory.create(name: new.name, passphrase: passphrase, now: now)
        }
        let words = "made the image key \(directory.keyFile), SHA-256 \(certificate.fingerprint)"
        output.show(try ImageKeyReport(directory), as: Sentence(words: words))
    }
}

struct ImageKeyRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Replace the key; its certificate stays trusted, so that images of both keys verify.",
        discussion: """
            The old private key is gone afterwards. Images that are built from now on carry both certificates. A node that was \
            installed to disk from an earlier image trusts the old key alone, so it takes no image of the new one until it is \
            installed anew.
            """
    )

    @OptionGroup var key: ImageKeyOptions
    @OptionGroup var new: NewImageKeyOptions

    @Flag(help: "The new key is not encrypted, though the old one is.")
    var noPassphrase = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !noPassphrase || new.passphraseFile == nil else {
            throw ValidationError("--no-passphrase and --passphrase-file exclude each other")
        }
    }

    func run() async throws {
        let directory = try key.keyDirectory()
        let passphrase = try new.passphrase()
        let isEncrypted = try UserError.of { () throws(SigningError) in try directory.isEncrypted() }
        guard !isEncrypted || passphrase != nil || noPassphrase else {
            throw UserError(
                .badData,
                "the key is encrypted, and the new one would not be",
                remedy: "name its passphrase with --passphrase-file, or say --no-passphrase"
            )
        }
        let now = Int64(Date().timeIntervalSince1970)
        let certificate = try UserError.of { () throws(SigningError) in
            try directory.rotate(name: new.name, passphrase: passphrase, now: now)
        }
        let report = try ImageKeyReport(directory)
        let words =
            "new image key, SHA-256 \(certificate.fingerprint); "
            + "\(report.trusted.count - 1) earlier certificates stay trusted"
        output.show(report, as: Sentence(words: words))
    }
}

struct ImageKeyShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract:
            "Show the key's folder, its certificate's fingerprint and dates, and the certificates trusted beside it.",
        discussion: "Needs no passphrase. The private key is never shown."
    )

    @OptionGroup var key: ImageKeyOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try ImageKeyReport(try key.keyDirectory())
        output.show(report, as: report.layout(.current))
        if let own = report.trusted.first, own.validUntil < Int64(Date().timeIntervalSince1970) {
            Terminal.complain("the certificate has expired; images are still accepted: muster image key rotate\n")
        }
    }
}

/// What there is to know of a key.
struct ImageKeyReport: Encodable {
    struct Certificate: Encodable {
        var name: String
        /// SHA-256 of the DER.
        var fingerprint: String
        /// Seconds since 1970.
        var validFrom: Int64
        var validUntil: Int64
    }

    var path: String
    var encrypted: Bool
    /// The own one first.
    var trusted: [Certificate]

    init(_ directory: ImageKeyDirectory) throws(UserError) {
        path = directory.keyFile.string
        encrypted = try UserError.of { () throws(SigningError) in try directory.isEncrypted() }
        let set = try UserError.of { () throws(SigningError) in try directory.certificates() }
        trusted = set.certificates.map {
            Certificate(
                name: $0.name,
                fingerprint: $0.fingerprint,
                validFrom: $0.validFrom,
                validUntil: $0.validUntil
            )
        }
    }

    func layout(_ style: Style) -> some Layout {
        func date(_ seconds: Int64) -> String? { LocalTime.text(String(seconds), style) }
        let own = trusted.first
        let details = Details(fields: [
            ("Key", Cell(path)), ("Encrypted", Cell(encrypted ? "yes" : "no")), ("Name", Cell(own?.name)),
            ("SHA-256", Cell(own?.fingerprint)), ("Valid from", Cell(own.flatMap { date($0.validFrom) })),
            ("Valid until", Cell(own.flatMap { date($0.validUntil) })),
        ])
        let rows = trusted.dropFirst().map { earlier in
            [Cell(earlier.name), Cell(date(earlier.validUntil)), Cell(earlier.fingerprint)]
        }
        let table = Table(header: ["NAME", "VALID UNTIL", "SHA-256"], rows: rows, isLastOpen: true)
        return Sections(parts: [(nil, details), (rows.isEmpty ? nil : "Earlier keys, still trusted", table)])
    }
}
