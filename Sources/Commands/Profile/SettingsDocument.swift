import Foundation
import HostModel
import Yams

/// A file of settings that a person wrote: YAML, of which JSON is a part.
enum SettingsDocument {
    /// Bytes; the engine takes as much.
    static let bytesMax = 256 << 10

    /// Says which key is wrong, and what was expected there.
    static func read<Value: Decodable>(
        _ type: Value.Type,
        from path: String,
        keys: String = "docs/kickstart.md"
    ) throws(UserError) -> Value {
        guard let data = FileManager.default.contents(atPath: path), data.count <= bytesMax else {
            throw UserError(
                .badData,
                "\(terminalEscaped(path)) cannot be read",
                remedy: "name a file of at most \(bytesMax >> 10) KiB"
            )
        }
        do {
            return try YAMLDecoder().decode(type, from: data)
        } catch {
            throw UserError(
                .badData,
                "\(terminalEscaped(path)): \(terminalEscaped(reason(error)))",
                remedy: "\(keys) shows the keys"
            )
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it is not YAML" }
        let context: DecodingError.Context
        switch error {
        case .keyNotFound(let key, let found): return place(found, "the key \"\(key.stringValue)\" is missing")
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found): context = found
        @unknown default: return "it is not what is expected"
        }
        return place(context, context.debugDescription)
    }

    private static func place(_ context: DecodingError.Context, _ what: String) -> String {
        let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        return path.isEmpty ? what : "\(path): \(what)"
    }
}
