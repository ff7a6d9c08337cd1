import Foundation
import HostModel
import Signing
import SystemPackage

extension ImageKeyDirectory {
    /// The key of the whole machine.
    static let ofMachine = ImageKeyDirectory("/etc/muster/image-signing")

    /// The named folder, else the machine's where its key can be read, else the user's own.
    static func find(_ option: String?, environment: [String: String]) throws(UserError) -> ImageKeyDirectory {
        if let option { return ImageKeyDirectory(FilePath(option)) }
        if ofMachine.hasReadableKey { return ofMachine }
        guard let own = ofUser(environment) else {
            throw UserError(
                .configuration,
                "there is no place for the image key: neither HOME nor XDG_CONFIG_HOME is set",
                remedy: "name a folder"
            )
        }
        return own
    }

    private static func ofUser(_ environment: [String: String]) -> ImageKeyDirectory? {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let base = value("XDG_CONFIG_HOME") ?? value("HOME").map { $0 + "/.config" }
        return base.map { ImageKeyDirectory(FilePath($0).appending("muster").appending("image-key")) }
    }

    /// The first line of a file, which only the file's owner should be able to read; `nil` without a file.
    static func passphrase(in file: String?) throws(UserError) -> String? {
        guard let file else { return nil }
        return try PasswordSource(file: file).password(for: "the image key")
    }
}

extension UserError {
    /// Runs what the room Signing does, its errors in words for a person.
    static func of<Value>(_ body: () throws(SigningError) -> Value) throws(UserError) -> Value {
        do { return try body() } catch { throw UserError(error) }
    }

    init(_ error: SigningError) {
        self.init(Self.exit(error.kind), terminalEscaped(error.message), remedy: terminalEscaped(error.remedy))
    }

    private static func exit(_ kind: SigningError.Kind) -> ExitStatus {
        switch kind {
        case .missing, .malformed, .files: .badData
        case .present, .refused: .failed
        case .passphrase: .noPermission
        case .library: .unavailable
        }
    }
}
