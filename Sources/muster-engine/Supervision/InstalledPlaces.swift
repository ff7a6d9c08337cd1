import Foundation
import Glibc
import HostModel
import Subprocess
import SystemPackage

/// The directories that the children share, made and given to them by the supervisor before they start.
struct InstalledPlaces: Sendable {
    var configuration: ServeConfiguration

    private static let chown = "/usr/bin/chown"
    private static let test = "/usr/bin/test"

    /// Gives the data directory to the engine's user where it is not that user's yet, makes the runtime directory and
    /// muster-boot's own, and checks that the users reach what they need.
    func prepare(engine: ChildProgram, boot: ChildProgram?) async throws {
        guard access(configuration.dataDirectory, F_OK) == 0 else {
            throw StartFailure(
                .configuration,
                "There is no installation in \(configuration.dataDirectory).",
                remedy: "Make one: muster-engine init --address HOST."
            )
        }
        try await own(engine.account)
        if let boot { try makeDirectories(engine: engine.account, boot: boot.account) }
        try await reach(engine, "-x", engine.path, "--user")
        try await reach(engine, "-w", configuration.dataDirectory, "--user")
        if let boot { try await reach(boot, "-x", boot.path, "--boot-user") }
    }

    /// chown(1) changes what is inside before the directory itself and follows no link, so that an interrupted run is
    /// finished by the next one and nothing outside is touched.
    private func own(_ account: Account) async throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: configuration.dataDirectory)
        guard attributes[.ownerAccountID] as? Int != Int(account.user) else { return }
        let result = try await Subprocess.run(
            .path(FilePath(Self.chown)),
            arguments: [
                "--recursive", "--no-dereference", "-P", "\(account.user):\(account.group)",
                configuration.dataDirectory,
            ],
            output: .discarded,
            error: .string(limit: 4096)
        )
        guard result.terminationStatus.isSuccess else {
            throw StartFailure(
                .notPermitted,
                "\(configuration.dataDirectory) could not be given to user \(account.user): \(result.standardError).",
                remedy: "Check that the directory is on a file system that keeps owners."
            )
        }
    }

    private func makeDirectories(engine: Account, boot: Account) throws(StartFailure) {
        // The engine makes the socket here; only muster-boot's group may pass through.
        try make(configuration.runtimeDirectory, mode: 0o750, user: engine.user, group: boot.group)
        try make(configuration.bootStateDirectory, mode: 0o700, user: boot.user, group: boot.group)
        // muster-boot reads images, so it must pass through the data directory; what is secret in there is 0700 itself.
        chmod(configuration.dataDirectory, 0o711)
    }

    private func make(_ path: String, mode: mode_t, user: uid_t, group: gid_t) throws(StartFailure) {
        guard mkdir(path, mode) == 0 || errno == EEXIST, Self.give(path, mode: mode, user: user, group: group) else {
            throw StartFailure(
                .notPermitted,
                "\(path) could not be made: \(String(cString: strerror(errno))).",
                remedy: "Make the directory above it, or set another."
            )
        }
    }

    /// Also one that was there, with whatever mode; never what a link in its place points to.
    static func give(_ path: String, mode: mode_t, user: uid_t, group: gid_t) -> Bool {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else { return false }
        defer { close(directory) }
        return fchown(directory, user, group) == 0 && fchmod(directory, mode) == 0
    }

    private func reach(_ program: ChildProgram, _ how: String, _ path: String, _ setting: String) async throws {
        let result = try await Subprocess.run(
            .path(FilePath(ChildProgram.setpriv)),
            arguments: Arguments(program.probe([Self.test, how, path])),
            output: .discarded,
            error: .string(limit: 4096)
        )
        guard !result.terminationStatus.isSuccess else { return }
        let why = result.standardError.split(separator: "\n").first.map { " (\($0))" } ?? ""
        throw StartFailure(
            .notPermitted,
            "User \(program.account.user) cannot reach \(path)\(why).",
            remedy: "Put it where every user may go, or set \(setting)."
        )
    }
}
