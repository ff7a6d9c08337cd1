import Foundation
import HostModel
import Yams

/// `installation.yaml` in the data directory: what `init` was told, so that `serve` need not be told again.
struct InstallationFile: Hashable, Codable, Sendable {
    var address: String
    var organization: String

    static let name = "installation.yaml"
    /// Bytes read at most.
    static let sizeMax = 64 << 10

    func write(to directory: String) throws(StartFailure) {
        let path = "\(directory)/\(Self.name)"
        do {
            try Data(YAMLEncoder().encode(self).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw StartFailure(
                .notPermitted,
                "\(path) could not be written.",
                remedy: "Give --address to serve, or make the file."
            )
        }
    }

    /// `nil` where there is none.
    static func read(from directory: String) throws(StartFailure) -> InstallationFile? {
        let path = "\(directory)/\(name)"
        guard let contents = FileManager.default.contents(atPath: path)?.prefix(sizeMax) else { return nil }
        guard let file = try? YAMLDecoder().decode(InstallationFile.self, from: Data(contents)) else {
            throw StartFailure(
                .configuration,
                "\(path) is not what init wrote.",
                remedy: "Write address: HOST and organization: NAME into it."
            )
        }
        return file
    }
}
