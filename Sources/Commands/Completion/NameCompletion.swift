import ArgumentParser
import EngineClient
import Foundation
import HostModel

extension CompletionKind {
    /// Names that the engine knows; none when it cannot be asked at once.
    static let hosts = names { try await $0.hosts().map(\.name) }
    static let profiles = names { try await $0.profiles().map(\.name) }
    static let jobs = names { try await $0.jobs(max: JobList.pageMax).map(\.id) }
    static let images = names { session in
        let images = try await session.images()
        return Set(images.map(\.name)).sorted() + images.map { "\($0.name)@\($0.version)" }
    }

    /// What the configuration file has, without asking anybody.
    static let contexts = CompletionKind.custom { words, _, prefix in
        ((try? options(of: words).file.read().contexts.keys.sorted()) ?? []).filter { $0.hasPrefix(prefix) }
    }

    /// The options that were typed already.
    private static func options(of words: [String]) -> EngineOptions {
        func value(_ name: String) -> String? { words.firstIndex(of: name).flatMap { words.dropFirst($0 + 1).first } }
        var options = EngineOptions()
        (options.config, options.context) = (value("--config"), value("--context"))
        return options
    }

    /// How long a person who pressed Tab is kept waiting, in seconds.
    static let patience = 2

    static func names(
        _ list: @escaping @Sendable (EngineSession) async throws -> [String]
    ) -> CompletionKind {
        .custom { words, _, prefix in
            guard let context = try? options(of: words).file.read().context(options(of: words).chosen) else {
                return []
            }
            var limits = TransportLimits()
            (limits.connectSeconds, limits.readSeconds) = (patience, patience)
            guard let session = try? context.session(limits: limits) else { return [] }
            defer { session.transport.close() }
            return ((try? await list(session)) ?? []).filter { $0.hasPrefix(prefix) }
        }
    }
}
