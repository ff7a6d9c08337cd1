import Crypto
import FoundationEssentials
import Glibc
import SystemPackage

/// A hash over what goes into a stage: the same key, the same result.
struct StageKey {
    /// Raised when a stage's own code starts to make other bytes from the same inputs.
    private static let generation = "5"
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

/// A stage's result, held against removal by other builds for as long as this lives.
final class StageResult: Sendable {
    let path: FilePath
    /// True when an earlier build made it.
    let cached: Bool
    private let lock: FileLock

    init(path: FilePath, cached: Bool, lock: FileLock) { (self.path, self.cached, self.lock) = (path, cached, lock) }
}

/// Results of stages, each a file or a folder under the name `STAGE-KEY`. A result is made under another name and
/// renamed, so that what stands under its name is whole; what a killed build left is removed by the next. Builds share the
/// cache: who makes a result holds its lock alone, who uses one holds it with others.
struct StageCache {
    /// Results of one stage that are kept; the least recently used go.
    static let mostResults = 4
    private static let unfinished = ".unfinished-"
    private static let locked = ".lock-"

    let directory: FilePath

    /// The result of a stage, made by `make` at the path that it is given, unless it is here already.
    func result(
        _ stage: BuildProgress.Stage,
        key: StageKey,
        onWait: () -> Void = {},
        make: (FilePath) async throws -> Void
    ) async throws -> StageResult {
        let name = "\(stage.rawValue)-\(key.digest)"
        let path = directory.appending(name)
        let lock = try await hold(path, by: directory.appending(Self.locked + name), onWait)
        if exists(path) {
            utimes(path.string, nil)
            try lock.share()
            return StageResult(path: path, cached: true, lock: lock)
        }
        let new = directory.appending(Self.unfinished + name)
        remove(new)
        do {
            try await make(new)
            try Task.checkCancellation()
            try flush(directory)
            try rename(new, to: path)
            try flush(directory)
        } catch {
            remove(new)
            remove(directory.appending(Self.locked + name))
            throw error
        }
        try lock.share()
        try prune(stage)
        return StageResult(path: path, cached: false, lock: lock)
    }

    /// Alone, to make a result; with the others who use it where it is there already. Two builds would wait for each other if each
    /// wanted alone what the other one uses.
    private func hold(_ path: FilePath, by file: FilePath, _ onWait: () -> Void) async throws -> FileLock {
        try await FileLock.take(file, onWait: onWait) {
            if exists(path), let shared = try FileLock.attempt(file, .shared), exists(path) { return shared }
            return try FileLock.attempt(file)
        }
    }

    /// Removes what builds that were killed left behind; what another build is making has its lock, and stays.
    func removeUnfinished() throws {
        for name in try names(in: directory) where name.hasPrefix(Self.unfinished) {
            // A stage keeps scratch beside its result, under the same name and a suffix: `…-KEY.unpacked`.
            let stage = name.dropFirst(Self.unfinished.count).prefix { $0 != "." }
            let lockFile = directory.appending(Self.locked + stage)
            guard let lock = try FileLock.attempt(lockFile) else { continue }
            remove(directory.appending(name))
            remove(lockFile)
            withExtendedLifetime(lock) {}
        }
    }

    private func prune(_ stage: BuildProgress.Stage) throws {
        let results = try names(in: directory).filter { $0.hasPrefix(stage.rawValue + "-") }.map { name in
            var status = stat()
            stat(directory.appending(name).string, &status)
            return (name: name, used: status.st_mtim.tv_sec)
        }
        for old in results.sorted(by: { $0.used > $1.used }).dropFirst(Self.mostResults) {
            let lockFile = directory.appending(Self.locked + old.name)
            guard let lock = try FileLock.attempt(lockFile) else { continue }
            remove(directory.appending(old.name))
            remove(lockFile)
            withExtendedLifetime(lock) {}
        }
    }
}
