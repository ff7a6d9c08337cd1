import Crypto
import FoundationEssentials
import Glibc
import SystemPackage

/// A hash over what goes into a stage: the same key, the same result.
struct StageKey {
    /// Raised when a stage's own code starts to make other bytes from the same inputs.
    private static let generation = "1"
    private var hash = SHA256()

    init(_ stage: String) {
        add(Self.generation)
        add(stage)
    }

    /// Adds one input; its length goes in too, so that inputs cannot run into each other.
    mutating func add(_ input: String) {
        hash.update(data: Data("\(input.utf8.count):\(input)".utf8))
    }

    /// 32 hex digits.
    var digest: String {
        hash.finalize().prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// Results of stages, each a file or a folder under the name `STAGE-KEY`. A result is made under another name and
/// renamed, so that what stands under its name is whole; what a killed build left is removed by the next.
struct StageCache {
    /// Results of one stage that are kept; the least recently used go.
    static let mostResults = 4
    private static let unfinished = ".unfinished-"

    let directory: FilePath

    /// The result of a stage, made by `make` at the path that it is given, unless it is here already.
    func result(
        _ stage: BuildProgress.Stage,
        key: StageKey,
        make: (FilePath) async throws -> Void
    ) async throws -> (path: FilePath, cached: Bool) {
        let path = directory.appending("\(stage.rawValue)-\(key.digest)")
        if exists(path) {
            utimes(path.string, nil)
            return (path, true)
        }
        let new = directory.appending("\(Self.unfinished)\(stage.rawValue)-\(key.digest)")
        remove(new)
        do {
            try await make(new)
            try rename(new, to: path)
        } catch {
            remove(new)
            throw error
        }
        try prune(stage)
        return (path, false)
    }

    /// Removes what builds that were killed left behind. Only for the holder of the directory's lock.
    func removeUnfinished() throws {
        for name in try names(in: directory) where name.hasPrefix(Self.unfinished) { remove(directory.appending(name)) }
    }

    private func prune(_ stage: BuildProgress.Stage) throws {
        let results = try names(in: directory).filter { $0.hasPrefix(stage.rawValue + "-") }.map { name in
            let path = directory.appending(name)
            var status = stat()
            stat(path.string, &status)
            return (path: path, used: status.st_mtim.tv_sec)
        }
        for old in results.sorted(by: { $0.used > $1.used }).dropFirst(Self.mostResults) { remove(old.path) }
    }
}
