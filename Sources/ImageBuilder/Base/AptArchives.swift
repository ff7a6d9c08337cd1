import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// Debian archives of a definition, asked through an apt with a configuration, lists and a status of its own: what the
/// build machine has installed or pinned does not matter.
struct AptArchives {
    /// How old lists may be before the archives are asked again.
    static let listsAge: Int64 = 24 * 3600

    /// Everything that a set of archives offers, and what a set of packages comes to.
    struct Resolution: Codable, Sendable {
        var pins: [PackagePin]
        /// File names as apt keeps them: `name_1%3a2_amd64.deb`.
        var files: [String]
        var installedSize: Int64
    }

    var repositories: [DebianBase.Repository]
    /// Holds lists and status.
    var folder: FilePath
    /// Holds packages, for all archives.
    var packages: FilePath

    init(_ repositories: [DebianBase.Repository], cache: FilePath) throws {
        var key = StageKey("apt")
        for repository in repositories { key.add("\(repository)") }
        self.repositories = repositories
        folder = cache.appending("packages").appending("apt-\(key.digest)")
        packages = cache.appending("packages").appending("debs")
        for directory in ["lists/partial", "archives/partial", "etc", "log"] {
            try makeDirectory(folder.pushing(FilePath(directory)))
        }
        try makeDirectory(packages.appending("partial"))
    }

    private var lists: FilePath { folder.appending("lists") }
    private var stamp: FilePath { folder.appending("updated") }

    /// Asks the archives what they have, unless that is known well enough. Gives a sentence when old lists have to do.
    func refresh() async throws -> String? {
        var lines: [String] = []
        for repository in repositories {
            let parts = repository.components.joined(separator: " ")
            let address = try await Self.address(of: repository.location)
            // apt uses the packages of a file: archive where they are; copy: has them copied to the others.
            let url = address.hasPrefix("file://") ? "copy" + address.dropFirst(4) : address
            lines.append("deb [signed-by=\(Self.absolute(repository.keyring))] \(url) \(repository.suite) \(parts)\n")
        }
        try writeFile(lines.joined().utf8, to: folder.appending("etc/sources.list"))
        if !exists(folder.appending("status")) { try writeFile([], to: folder.appending("status")) }
        for keyring in Set(repositories.map(\.keyring)) where !exists(keyring) {
            throw BuildError(
                .packages,
                "there is no keyring \(keyring) to check the archives by",
                remedy: "apt-get install debian-archive-keyring, or name the keyring in the definition"
            )
        }
        let updated = (try? readText(stamp, limit: 32)).flatMap { Int64($0.split(separator: "\n").first ?? "") }
        let age = updated.map { Int64(time(nil)) - $0 }
        if let age, (0..<Self.listsAge).contains(age) { return nil }
        do {
            _ = try await apt(["update", "-o", "APT::Update::Error-Mode=any"])
        } catch {
            guard error.kind == .files else { throw error }
            guard try !isAboutTrust(error.message), age != nil else { throw failure(error) }
            return "the archives do not answer; using their lists of \((age ?? 0) / 3600) hours ago"
        }
        try writeFile("\(Int64(time(nil)))\n".utf8, to: stamp)
        return nil
    }

    private static func address(of location: DebianBase.Location) async throws -> String {
        switch location {
        case .address(let address): return address
        case .ofThisMachine(let security):
            let query = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
            let known = try await Tool.aptGet.run(query).split(separator: "\n")
            guard let address = known.first(where: { $0.contains("security") == security }) else {
                throw BuildError(
                    .packages,
                    "this machine's apt knows no archive of Debian\(security ? "'s security updates" : "")",
                    remedy: "run apt-get update, or name mirror and security-mirror in the definition"
                )
            }
            return String(address)
        }
    }

    private static func absolute(_ path: FilePath) -> FilePath { FilePath(URL(filePath: path.string).path) }

    private func isAboutTrust(_ message: String) throws -> Bool {
        ["sign", "GPG", "KEYEXPIRED", "EXPKEYSIG", "NO_PUBKEY", "BADSIG", "expired", "Hash Sum"].contains {
            message.contains($0)
        }
    }

    private func failure(_ error: BuildError) -> BuildError {
        let isAboutTrust = (try? isAboutTrust(error.message)) ?? false
        let what = isAboutTrust ? "an archive cannot be trusted" : "the archives do not answer"
        return BuildError(
            .packages,
            "\(what): \(error.message)",
            remedy: isAboutTrust
                ? "check mirror, suite and keyring of the definition; do not go on with packages that nobody signed"
                : "see that the mirror is right and can be reached, and build again"
        )
    }

    /// The versions that would be installed into an empty system, with all that they need, and where they come from.
    func resolve(_ names: [String]) async throws -> Resolution {
        let memory = folder.appending("resolved-\(try memoryKey(names)).json")
        if let text = try? readText(memory, limit: 16 << 20), exists(stanzas(memory)),
            let known = try? JSONDecoder().decode(Resolution.self, from: Data(text.utf8))
        {
            return known
        }
        let simulation: String
        do {
            simulation = try await apt(["install", "--simulate"] + Self.wanted(names))
        } catch {
            guard error.kind == .files else { throw error }
            throw BuildError(
                .packages,
                "these packages cannot be installed together: \(error.message)",
                remedy: "check their names, and that the archives of the definition have them for amd64"
            )
        }
        let versions = simulation.split(separator: "\n").compactMap(Self.version)
        let text = try await Tool.aptCache.run(options + ["show", "--no-all-versions"] + versions)
        let records = PackageRecord.parse(text)
        guard records.count == versions.count else {
            throw BuildError(
                .packages,
                "apt lists \(records.count) of \(versions.count) packages",
                remedy: "remove \(folder) and build again"
            )
        }
        let resolution = Resolution(
            pins: records.map(\.pin).sorted { $0.name < $1.name },
            files: records.map(\.fileName).sorted(),
            installedSize: records.reduce(0) { $0 + $1.installedSize }
        )
        try writeFile(text.utf8, to: stanzas(memory))
        try writeFile(try JSONEncoder().encode(resolution), to: FilePath(memory.string + ".new"))
        try rename(FilePath(memory.string + ".new"), to: memory)
        return resolution
    }

    /// `Inst name (version …` of a simulation, as `name=version`.
    static func version(_ line: Substring) -> String? {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count >= 3, words[0] == "Inst", words[2].hasPrefix("(") else { return nil }
        return "\(words[1])=\(words[2].dropFirst())"
    }

    /// Fetches what is not here yet; `report` gets bytes.
    func fetch(_ resolution: Resolution, _ names: [String], report: (Int64, Int64) -> Void) async throws {
        guard !isComplete(resolution) else { return }
        let lock = try await FileLock.take(packages.appending(".lock"))
        defer { withExtendedLifetime(lock) {} }
        let total = resolution.pins.reduce(0) { $0 + $1.size }
        let here = resolution.files.reduce(0) { $0 + ((try? fileSize(packages.appending($1))) ?? 0) }
        var plan = SpacePlan()
        plan.add(max(0, total - here), in: packages, for: "the packages that are not here yet")
        try plan.check()
        report(0, total)
        do {
            let arguments = ["install", "--download-only", "--yes", "-o", "APT::Status-Fd=1"] + Self.wanted(names)
            let log = folder.appending("log/fetch.log")
            try await Tool.aptGet.watch(options + arguments, log: log) { line in
                guard let percent = Self.percent(line) else { return }
                report(Int64(Double(total) * percent / 100), total)
            }
        } catch {
            guard error.kind == .files else { throw error }
            throw BuildError(
                .packages,
                "could not fetch the packages: \(error.message)",
                remedy: "see that the mirror can be reached, and build again: what has arrived is kept"
            )
        }
        guard isComplete(resolution) else {
            throw BuildError(
                .packages,
                "the archives changed while packages were fetched",
                remedy: "remove \(stamp) and build again"
            )
        }
    }

    /// `dlstatus:3:12.5:Retrieving…`
    static func percent(_ line: String) -> Double? {
        let fields = line.split(separator: ":", maxSplits: 3)
        guard fields.count >= 3, fields[0] == "dlstatus", let percent = Double(fields[2]), (0...100).contains(percent)
        else { return nil }
        return percent
    }

    private func isComplete(_ resolution: Resolution) -> Bool {
        resolution.files.allSatisfy { exists(packages.appending($0)) }
    }

    /// A folder that is an archive of exactly these packages, for the tool that installs them.
    func makeArchive(_ resolution: Resolution, _ names: [String], at target: FilePath) throws {
        try makeDirectory(target)
        for name in resolution.files {
            guard link(packages.appending(name).string, target.appending(name).string) == 0 else {
                throw Errno(rawValue: errno)
            }
        }
        let memory = folder.appending("resolved-\(try memoryKey(names)).json")
        let text = try readText(stanzas(memory), limit: 256 << 20)
        try writeFile(PackageRecord.relocated(text).utf8, to: target.appending("Packages"))
    }

    private func stanzas(_ memory: FilePath) -> FilePath { FilePath(memory.string + ".packages") }

    private static func wanted(_ names: [String]) -> [String] { ["--", "?essential", "apt"] + names }

    private func apt(_ arguments: [String]) async throws(BuildError) -> String {
        try await Tool.aptGet.run(options + arguments)
    }

    /// The machine's own apt.conf still counts, for the proxy that it may name.
    private var options: [String] {
        [
            "Dir::Etc::sourcelist=\(folder)/etc/sources.list", "Dir::Etc::sourceparts=/dev/null",
            "Dir::Etc::preferences=/dev/null", "Dir::Etc::preferencesparts=/dev/null",
            "Dir::Etc::trusted=/dev/null", "Dir::Etc::trustedparts=/dev/null", "Dir::State=\(folder)",
            "Dir::State::Lists=\(folder)/lists", "Dir::State::status=\(folder)/status", "Dir::Cache=\(folder)",
            "Dir::Cache::archives=\(packages)", "Dir::Log=\(folder)/log", "APT::Architecture=amd64",
            "APT::Architectures=amd64", "APT::Install-Recommends=false", "APT::Install-Suggests=false",
            "APT::Sandbox::User=", "APT::Keep-Downloaded-Packages=true", "Acquire::Languages=none",
            "Acquire::Retries=3", "DPkg::Lock::Timeout=600",
        ].flatMap { ["-o", $0] } + ["-q"]
    }

    /// Changes whenever an update has brought something.
    private func memoryKey(_ wanted: [String]) throws -> String {
        var key = StageKey("resolved")
        for name in wanted { key.add(name) }
        for name in try names(in: lists) where name != "lock" && name != "partial" {
            var status = stat()
            guard stat(lists.appending(name).string, &status) == 0 else { continue }
            key.add("\(name) \(status.st_size) \(status.st_mtim.tv_sec)")
        }
        return key.digest
    }
}
