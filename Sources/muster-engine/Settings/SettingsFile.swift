import Foundation
import Yams

/// `/etc/muster/engine.yaml`: one mapping of settings to scalars. Unknown keys are errors, so that a typing mistake is
/// found on the day it is made.
enum SettingsFile {
    static let path = "/etc/muster/engine.yaml"
    /// Bytes read at most.
    static let sizeMax = 1 << 20

    /// Reads a file. The one at the usual place may be absent; one that was named (`isNamed`) may not.
    static func read(_ path: String, isNamed: Bool) throws(StartFailure) -> [Setting: String] {
        guard isNamed || FileManager.default.fileExists(atPath: path) else { return [:] }
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            bytes = try handle.read(upToCount: sizeMax) ?? Data()
        } catch {
            throw StartFailure(
                .configuration,
                "The settings file \(path) cannot be read.",
                remedy: "Check that it exists and who may read it, or name another with --settings."
            )
        }
        return try parse(String(decoding: bytes, as: UTF8.self), path: path)
    }

    /// Every refusal names the line.
    static func parse(_ text: String, path: String) throws(StartFailure) -> [Setting: String] {
        guard let root = try compose(text, path) else { return [:] }
        guard let mapping = root.mapping else {
            throw refusal(path, root.mark, "expected lines of KEY: VALUE")
        }
        var values: [Setting: String] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            guard let setting = Setting(rawValue: name) else {
                throw refusal(path, key.mark, "unknown key \"\(name)\"")
            }
            guard let scalar = value.scalar else { throw refusal(path, value.mark, "\(name) takes one value") }
            guard values.updateValue(scalar.string, forKey: setting) == nil else {
                throw refusal(path, key.mark, "\(name) is there twice")
            }
        }
        return values
    }

    private static func compose(_ text: String, _ path: String) throws(StartFailure) -> Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                throw refusal(path, mark, problem)
            default: throw refusal(path, nil, "not YAML")
            }
        } catch {
            throw refusal(path, nil, "not YAML")
        }
    }

    private static func refusal(_ path: String, _ mark: Mark?, _ problem: String) -> StartFailure {
        let line = mark.map { ":\($0.line)" } ?? ""
        return StartFailure(
            .configuration,
            "\(path)\(line): \(problem).",
            remedy: "The keys are those of muster-engine serve --print-settings."
        )
    }
}
