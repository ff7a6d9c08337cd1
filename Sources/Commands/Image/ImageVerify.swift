import ArgumentParser
import Foundation
import HostModel
import ImageBuilder
import Signing
import SystemPackage

struct ImageVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a built image: sums, manifest, signature, hash tree.",
        discussion: """
            One line for each thing checked; ends with 0 when all are ok and with 1 when one is not. The signature is checked by \
            --certificates FILE (PEM), else by the certificates of the image key of this machine or user; those that an image \
            brings along count for nothing. Values of a site that were put in afterwards (muster image embed) are no failure.
            """
    )

    @Argument(help: "The image's name, or its folder.", completion: .directory)
    var image: String

    @Option(help: ArgumentHelp("Where built images lie.", valueName: "folder"), completion: .directory)
    var directory = BuiltImageFolder.defaultDirectory

    @Option(help: ArgumentHelp("Whose signatures count.", valueName: "file"), completion: .file())
    var certificates: String?

    @Flag(help: "Take an image without a signature.")
    var allowUnsigned = false

    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        struct Check: Encodable {
            var subject: String
            var ok: Bool
            var detail: String
        }

        var folder: String
        var ok: Bool
        var checks: [Check]
    }

    func run() async throws {
        let folder = try Self.folder(image, in: directory)
        let verification = ImageVerification(folder: folder, trusted: try trusted(), allowsUnsigned: allowUnsigned)
        let checks: [ImageCheck]
        do { checks = try verification.run() } catch let error as BuildError { throw UserError(error) }
        let failed = checks.filter { !$0.isPassed }
        let report = Report(
            folder: folder.string,
            ok: failed.isEmpty,
            checks: checks.map { Report.Check(subject: $0.subject, ok: $0.isPassed, detail: $0.detail) }
        )
        let rows = checks.map { check in
            [
                Cell(check.subject), Cell(check.isPassed ? "ok" : "failed", check.isPassed ? .good : .bad),
                Cell(check.detail),
            ]
        }
        output.show(report, as: Table(header: ["WHAT", "RESULT", "DETAIL"], rows: rows, isLastOpen: true))
        guard failed.isEmpty else {
            throw UserError(
                .failed,
                "\(failed.count) of \(checks.count) checks failed; the image is not what was built, or not by a trusted key",
                remedy: "do not boot it: build it or fetch it again"
            )
        }
    }

    /// The folder, by name or path, whatever its manifest holds: a damaged one must be checked too.
    static func folder(_ named: String, in directory: String) throws(UserError) -> FilePath {
        for place in [FilePath(named), FilePath(directory).appending(named)] {
            for folder in [place, place.appending("current")]
            where FileManager.default.fileExists(atPath: folder.appending("manifest.json").string) {
                return folder
            }
        }
        throw UserError(
            .badData,
            "there is no built image at \(terminalEscaped(named))",
            remedy: "muster image build FILE, or name the folder that holds manifest.json"
        )
    }

    /// `nil` when no certificates were named and there is no key.
    private func trusted() throws(UserError) -> TrustedCertificates? {
        if let certificates {
            guard let data = FileManager.default.contents(atPath: certificates) else {
                throw UserError(
                    .badData,
                    "the certificates \(terminalEscaped(certificates)) cannot be read",
                    remedy: "check the path and its permissions"
                )
            }
            return try UserError.of { () throws(SigningError) in try TrustedCertificates(pem: Array(data)) }
        }
        let key = try? ImageKeyDirectory.find(nil, environment: ProcessInfo.processInfo.environment)
        guard let key, key.hasReadableKey else { return nil }
        return try UserError.of { () throws(SigningError) in try key.certificates() }
    }
}
