import ArgumentParser
import Foundation
import HostModel
import Signing
import SystemPackage

/// Which key signs a build.
struct ImageSigningOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The folder of the image key (default: as muster image key show).", valueName: "folder"),
        completion: .directory
    )
    var key: String?

    @Option(help: ArgumentHelp("The passphrase of an encrypted key.", valueName: "file"), completion: .file())
    var keyPassphraseFile: String?

    @Flag(help: "Leave the image unsigned, and without a certificate.")
    var noSign = false

    func validate() throws {
        guard !noSign || key == nil else { throw ValidationError("--no-sign and --key exclude each other") }
    }

    /// The key that signs; `nil` for none. A key that was named must be there; the user's own is made at the first build, so
    /// that images are signed from the beginning without anybody having to know of it.
    func signer() throws(UserError) -> ImageSigner? {
        guard !noSign else { return nil }
        let directory: ImageKeyDirectory
        do throws(UserError) {
            directory = try ImageKeyDirectory.find(key, environment: ProcessInfo.processInfo.environment)
        } catch {
            // Nowhere to keep a key: the build says "not signed".
            return nil
        }
        let passphrase = try ImageKeyDirectory.passphrase(in: keyPassphraseFile)
        if key == nil, !FileManager.default.fileExists(atPath: directory.keyFile.string) {
            try makeKey(directory, passphrase)
        }
        return try UserError.of { () throws(SigningError) in try directory.signer(passphrase: passphrase) }
    }

    private func makeKey(_ directory: ImageKeyDirectory, _ passphrase: String?) throws(UserError) {
        let now = Int64(Date().timeIntervalSince1970)
        do throws(SigningError) {
            let name = NewImageKeyOptions.nameDefault
            let certificate = try directory.create(name: name, passphrase: passphrase, now: now)
            let words = "made the image key \(directory.keyFile), SHA-256 \(certificate.fingerprint); keep a copy of it"
            Terminal.complain(terminalEscaped(words) + "\n")
        } catch {
            // Another build that started at the same moment has made it.
            guard error.kind == .present || directory.hasReadableKey else { throw UserError(error) }
        }
    }
}
