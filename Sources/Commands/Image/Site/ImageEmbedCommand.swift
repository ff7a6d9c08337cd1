import ArgumentParser
import Foundation
import HostModel
import ImageBuilder
import Signing
import SystemPackage

struct ImageEmbedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Put the values of a site into a built image, without a rebuild.",
        discussion: """
            Engine, CA, network and kernel arguments go into a reserved area of an ISO or a disk image, or behind the end of an \
            initramfs; no byte that is signed or hashed is touched, and `reset` gives back the very image that was built. A node \
            reads them as if they stood in front of its kernel command line, so that the boot profile and the boot menu win. They \
            are not signed: like a kernel command line, anybody who can write the medium can change them. The kernel itself does \
            not see them (console=, for instance, has no effect).

            An ISO that carries an MD5 of implantisomd5 fails its check afterwards; muster image verify takes the area for what it is.
            """,
        subcommands: [ImageEmbedSet.self, ImageEmbedShow.self, ImageEmbedReset.self],
        defaultSubcommand: ImageEmbedSet.self
    )
}

/// Which file is meant.
struct SiteImageOptions: ParsableArguments {
    @Argument(help: "An ISO, a disk image or an initramfs.", completion: .file())
    var image: String

    func open() throws(UserError) -> SiteImage {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: image, isDirectory: &isFolder), isFolder.boolValue {
            throw UserError(
                .badData,
                "\(terminalEscaped(image)) is a folder",
                remedy: "name one of its files: the ISO, the disk image, or initramfs.zst"
            )
        }
        return try UserError.ofBuilder { try SiteImage(FilePath(image)) }
    }
}

struct ImageEmbedSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Put values in, in place of those that are there (the default: muster image embed IMAGE …)."
    )

    @OptionGroup var file: SiteImageOptions

    @Option(help: ArgumentHelp("The engine that nodes report to.", valueName: "host[:port]"))
    var engine: String?

    @Option(
        help: ArgumentHelp("The engine's CA: a certificate, or its SHA-256 fingerprint.", valueName: "file|sha256"),
        completion: .file()
    )
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "A network argument as dracut has it: ip=…, vlan=…, bond=…, nameserver=…, rd.route=…, hostname=…. May be repeated.",
            valueName: "argument"
        )
    )
    var network: [String] = []

    @Option(help: ArgumentHelp("More arguments for the node. May be repeated.", valueName: "words"))
    var kargs: [String] = []

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard engine != nil || ca != nil || !network.isEmpty || !kargs.isEmpty else {
            throw ValidationError("name at least one of --engine, --ca, --network, --kargs")
        }
    }

    func run() async throws {
        let values = try siteValues()
        let image = try file.open()
        try UserError.ofBuilder { try image.embed(values) }
        let words = "\(file.image) has \(values.arguments.count) arguments of the site; the image as built is untouched"
        output.show(try SiteReport(try file.open()), as: Sentence(words: words))
    }

    func siteValues() throws(UserError) -> SiteValues {
        var words: [String] = []
        if let engine { words.append("management_server=\(engine)") }
        var authority: String?
        if let ca {
            let (fingerprint, pem) = try Self.authority(ca)
            words.append("management_server_fingerprint=\(fingerprint)")
            authority = pem
        }
        let names = ["ip", "vlan", "bond", "nameserver", "rd.route", "hostname", "BOOTIF"]
        for word in network {
            guard names.contains(where: { word.hasPrefix($0 + "=") }) else {
                throw UserError(
                    .badData,
                    "\(terminalEscaped(word)) is no network argument",
                    remedy: "one of " + names.map { $0 + "=…" }.joined(separator: ", ")
                )
            }
            words.append(word)
        }
        for word in kargs.flatMap({ $0.split(separator: " ").map(String.init) }) {
            guard !Self.commandLineOnly.contains(where: { word == $0.dropLast() || word.hasPrefix($0) }) else {
                throw UserError(
                    .badData,
                    "\(terminalEscaped(word)) would have no effect: it is read from the real kernel command line alone",
                    remedy: "put it into the definition's kernel arguments, the boot profile, or the boot menu"
                )
            }
            words.append(word)
        }
        let arguments = words
        return try UserError.ofBuilder { try SiteValues(arguments: arguments, authority: authority) }
    }

    /// What the kernel itself and the first stage read before, or without, the values of a site.
    private static let commandLineOnly = [
        "muster.", "console=", "root=", "init=", "rdinit=", "panic=", "loglevel=", "mem=", "maxcpus=", "nomodeset=",
        "quiet=",
    ]

    /// A fingerprint as it stands, or that of the certificate in the file.
    private static func authority(_ text: String) throws(UserError) -> (fingerprint: String, pem: String?) {
        let digits = text.uppercased().hasPrefix("SHA256:") ? text.dropFirst(7) : text[...]
        if let fingerprint = Nonce(hex: digits.filter { $0 != ":" }) { return (fingerprint.description, nil) }
        guard let data = FileManager.default.contents(atPath: text), data.count <= SiteValues.authorityBytesMax else {
            throw UserError(
                .badData,
                "\(terminalEscaped(text)) is no SHA-256 and no certificate's file",
                remedy: "64 hex digits, or the path of the engine's ca.pem"
            )
        }
        let certificate = try UserError.of { () throws(SigningError) in try SigningCertificate(reading: Array(data)) }
        return (certificate.fingerprint, certificate.pem)
    }
}

struct ImageEmbedShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the values of a site that are in an image."
    )

    @OptionGroup var file: SiteImageOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let image = try file.open()
        let report = try SiteReport(image)
        output.show(report, as: report.layout)
        guard !image.areaIsDamaged else {
            throw UserError(
                .badData,
                "the area holds something that is not a site's",
                remedy: "muster image embed reset \(terminalEscaped(file.image))"
            )
        }
    }
}

struct ImageEmbedReset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Take the values out: the image is what it was when it was built, to the bit."
    )

    @OptionGroup var file: SiteImageOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let image = try file.open()
        let digest = try UserError.ofBuilder { try image.reset() }
        let report = try SiteReport(try file.open())
        output.show(report, as: Sentence(words: "\(file.image) is as it was built, SHA-256 \(digest)"))
    }
}

/// What there is to know of an image's area.
struct SiteReport: Encodable {
    var path: String
    /// Bytes.
    var areaOffset: Int64
    var areaSize: Int
    var arguments: [String]
    /// PEM.
    var authority: String?
    /// Of the image without the values.
    var originalSHA256: String

    init(_ image: SiteImage) throws(UserError) {
        path = image.path.string
        (areaOffset, areaSize) = (image.areaOffset, image.areaSize)
        // The console's password stays in the image.
        arguments = KernelArguments((image.values?.arguments ?? []).joined(separator: " ")).redacted
            .split(separator: " ").map(String.init)
        authority = image.values?.authority
        originalSHA256 = try UserError.ofBuilder { try image.originalDigest() }.description
    }

    var layout: some Layout {
        let rows = arguments.map { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), Cell(parts.dropFirst().first))
        }
        let details = Details(fields: [
            ("Image", Cell(path)), ("SHA-256 as built", Cell(originalSHA256)),
            ("Area", Cell("\(areaSize >> 10) KiB at byte \(areaOffset)")),
            ("CA certificate", Cell(authority == nil ? "" : "in the image")),
        ])
        let site = rows.isEmpty ? Details(fields: [("Values", Cell("none"))]) : Details(fields: rows)
        return Sections(parts: [(nil, details), (nil, site)])
    }
}

extension UserError {
    /// Runs what the image builder does, its errors in words for a person.
    static func ofBuilder<Value>(_ body: () throws -> Value) throws(UserError) -> Value {
        do { return try body() } catch let error as BuildError { throw UserError(error) } catch {
            throw UserError(
                .badData,
                terminalEscaped("\(error)"),
                remedy: "see whether the file can be read and written"
            )
        }
    }
}
