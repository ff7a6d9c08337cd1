import FoundationEssentials
import SystemPackage
import Testing

/// A signed Debian archive with packages of its own, made by dpkg-deb and gpg: `dists/test` and `pool`.
struct DebianArchive {
    let scratch: Scratch
    var url: String { "file://" + scratch.file("archive").string }
    var keyring: FilePath { scratch.file("keyring.gpg") }

    /// Two packages that every system has, and one that a definition asks for.
    init(_ scratch: Scratch, signingTime: String? = nil) async throws {
        self.scratch = scratch
        try FileManager.default.createDirectory(
            atPath: scratch.file("archive/dists/test/main/binary-amd64").string,
            withIntermediateDirectories: true
        )
        try await addPackage("base", fields: "Essential: yes\nInstalled-Size: 10\n")
        try await addPackage("apt", fields: "Depends: base\nInstalled-Size: 20\n")
        try await addPackage("tool", fields: "Depends: base (>= 1)\nInstalled-Size: 30\n")
        try await addPackage("foreign", architecture: "i386")
        try await makeKey("archive", expired: signingTime != nil)
        try await publish(by: "archive", at: signingTime)
    }

    func addPackage(_ name: String, architecture: String = "amd64", fields: String = "") async throws {
        let root = scratch.file("package-\(name)")
        try FileManager.default.createDirectory(
            atPath: root.appending("DEBIAN").string,
            withIntermediateDirectories: true
        )
        let control = """
            Package: \(name)
            Version: 1:1.0
            Architecture: \(architecture)
            Maintainer: N <n@example.org>
            Description: x
            \(fields)
            """
        _ = try scratch.write(Array(control.replacing("\n\n", with: "\n").utf8), to: "package-\(name)/DEBIAN/control")
        let file = scratch.file("archive/\(name).deb").string
        _ = try await output(of: "dpkg-deb", ["--root-owner-group", "-Zgzip", "-b", root.string, file])
    }

    private func gpg(_ arguments: [String]) async throws {
        let home = scratch.file("gpg")
        try FileManager.default.createDirectory(
            atPath: home.string,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        _ = try await output(
            of: "gpg",
            ["--homedir", home.string, "--batch", "--quiet", "--passphrase", ""] + arguments
        )
    }

    func makeKey(_ name: String, expired: Bool = false) async throws {
        let time = expired ? ["--faked-system-time", "20200101T000000"] : []
        let until = expired ? "2020-02-01" : "0"
        try await gpg(time + ["--quick-generate-key", "\(name)@example.org", "ed25519", "sign", until])
        guard name == "archive" else { return }
        try await gpg(["--output", keyring.string, "--export", "\(name)@example.org"])
    }

    /// Lists the packages and signs the list.
    func publish(by key: String, at time: String? = nil) async throws {
        var packages = ""
        for name in ["base", "apt", "tool", "foreign"] {
            let file = scratch.file("archive/\(name).deb").string
            packages += try await output(of: "dpkg-deb", ["--field", file])
            let sum = try await output(of: "sha256sum", [file]).prefix(64)
            let size = try await output(of: "stat", ["--format=%s", file])
            packages += "Filename: \(name).deb\nSize: \(size)SHA256: \(sum)\n\n"
        }
        let list = "archive/dists/test/main/binary-amd64/Packages"
        _ = try scratch.write(Array(packages.utf8), to: list)
        let sum = try await output(of: "sha256sum", [scratch.file(list).string]).prefix(64)
        let release = """
            Suite: test
            Codename: test
            Date: Wed, 01 Jan 2020 00:00:00 UTC
            Architectures: amd64 i386
            Components: main
            SHA256:
             \(sum) \(packages.utf8.count) main/binary-amd64/Packages

            """
        _ = try scratch.write(Array(release.utf8), to: "Release")
        let target = scratch.file("archive/dists/test/InRelease").string
        let faked = time.map { ["--faked-system-time", $0] } ?? []
        try await gpg(
            faked + [
                "--yes", "--local-user", "\(key)@example.org", "--output", target, "--clearsign",
                scratch.file("Release").string,
            ]
        )
    }
}
