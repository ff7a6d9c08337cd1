import ArgumentParser
import Foundation
import HostConversion
import HostModel

/// `hosts.yaml`: servers that are to become hosts.
enum HostsFile {
    /// The most servers of one file.
    static let countMax = 1000

    struct Entry: Hashable, Sendable, Decodable {
        var name: HostName
        var address: String
        var user: String?
        var sshPort: UInt16?
        var passwordFile: String?
        var sudoPasswordFile: String?
        var key: String?
        var fingerprint: String?
        var jump: String?
        var jumpFingerprint: String?
        var cluster: String?
        var repository: String?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case name
            case address
            case user
            case sshPort = "ssh-port"
            case passwordFile = "password-file"
            case sudoPasswordFile = "sudo-password-file"
            case key
            case fingerprint
            case jump
            case jumpFingerprint = "jump-fingerprint"
            case cluster
            case repository
        }

        private struct AnyKey: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init?(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let known = Set(CodingKeys.allCases.map(\.rawValue))
            for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
                let what =
                    "unknown key \(key.stringValue); there are \(CodingKeys.allCases.map(\.rawValue).joined(separator: ", "))"
                throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: what))
            }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            name = try values.decode(HostName.self, forKey: .name)
            address = try values.decode(String.self, forKey: .address)
            sshPort = try values.decodeIfPresent(UInt16.self, forKey: .sshPort)
            user = try values.decodeIfPresent(String.self, forKey: .user)
            passwordFile = try values.decodeIfPresent(String.self, forKey: .passwordFile)
            sudoPasswordFile = try values.decodeIfPresent(String.self, forKey: .sudoPasswordFile)
            key = try values.decodeIfPresent(String.self, forKey: .key)
            fingerprint = try values.decodeIfPresent(String.self, forKey: .fingerprint)
            jump = try values.decodeIfPresent(String.self, forKey: .jump)
            jumpFingerprint = try values.decodeIfPresent(String.self, forKey: .jumpFingerprint)
            cluster = try values.decodeIfPresent(String.self, forKey: .cluster)
            repository = try values.decodeIfPresent(String.self, forKey: .repository)
        }
    }

    static func read(_ path: String) throws(UserError) -> [Entry] {
        let entries = try SettingsDocument.read([Entry].self, from: path, keys: "muster host add --help")
        guard (1...countMax).contains(entries.count) else {
            throw UserError(
                .badData,
                "\(terminalEscaped(path)) has \(entries.count) entries",
                remedy: "write 1 to \(countMax) of them"
            )
        }
        var seen: Set<String> = []
        for entry in entries
        where !seen.insert(entry.name.rawValue).inserted || !seen.insert("@" + entry.address).inserted {
            throw UserError(
                .badData,
                "\(terminalEscaped(path)): \(entry.name) at \(terminalEscaped(entry.address)) is there twice",
                remedy: "give each server one entry"
            )
        }
        return entries
    }
}

extension ServerOptions {
    /// The options as one entry of a file has them.
    func with(_ entry: HostsFile.Entry) throws -> ServerOptions {
        var options = self
        options.user = entry.user ?? user
        options.sshPort = entry.sshPort ?? sshPort
        if entry.key != nil || entry.passwordFile != nil {
            (options.key, options.passwordFile) = (entry.key, entry.passwordFile)
        }
        options.sudoPasswordFile = entry.sudoPasswordFile ?? sudoPasswordFile
        options.fingerprint = entry.fingerprint ?? fingerprint
        options.jump = entry.jump ?? jump
        options.jumpFingerprint = entry.jumpFingerprint ?? (entry.jump == nil ? jumpFingerprint : nil)
        try options.validate()
        return options
    }
}
