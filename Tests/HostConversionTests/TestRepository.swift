import FoundationEssentials
import HostModel
import SystemPackage
import Testing

/// A flat apt repository with packages that the test makes: small, and with all that a real one leaves behind.
struct TestRepository {
    static let url = "http://127.0.0.1:8080"
    static let packages = ["muster-test-libvirt", "openssl"]

    let scratch: Scratch
    var folder: FilePath { scratch.file("repository") }

    /// `failing`: its maintainer script fails. `asNode`: there is one under each name that a node has, beside what is installed.
    init(failing: Bool = false, asNode: Bool = false) async throws {
        scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        var index = ""
        index += try await add(
            "muster-test-base",
            files: ["/etc/muster-test/base.conf": "base\n", "/usr/share/muster-test/base": "x\n"],
            conffiles: ["/etc/muster-test/base.conf"]
        )
        index += try await add(
            "muster-test-libvirt",
            depends: "muster-test-base",
            files: [
                "/lib/systemd/system/libvirtd.service":
                    "[Unit]\nDescription=stands in for libvirtd\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
                "/etc/libvirt/qemu.conf": "# qemu\n", "/etc/libvirt/qemu/networks/default.xml": "<network/>\n",
            ],
            conffiles: ["/etc/libvirt/qemu.conf"],
            postinst: """
                getent group libvirt > /dev/null || groupadd -r libvirt
                getent group kvm > /dev/null || groupadd -r kvm
                getent passwd libvirt-qemu > /dev/null || useradd -r -g kvm -M libvirt-qemu
                mkdir -p /etc/libvirt/qemu/networks/autostart
                ln -sf ../default.xml /etc/libvirt/qemu/networks/autostart/default.xml
                echo generated > /etc/libvirt/generated.conf
                systemctl enable libvirtd.service; systemctl start libvirtd.service
                \(failing ? "echo 'no: $(reboot) \\033[2J' >&2; exit 1" : ":")
                """
        )
        for name in asNode ? ConversionPlan.packages(of: .deb) : [] where !["openssl", "iproute2"].contains(name) {
            index += try await add(
                name,
                version: "9:99.0",
                depends: name == "libvirt-daemon-system" ? "muster-test-libvirt" : "",
                files: ["/etc/\(name)/stand-in.conf": "\(name)\n"],
                conffiles: ["/etc/\(name)/stand-in.conf"]
            )
        }
        _ = try scratch.write(index, to: "repository/Packages")
    }

    private func add(
        _ name: String,
        version: String = "1.0",
        depends: String = "",
        files: [String: String],
        conffiles: [String],
        postinst: String = ":"
    ) async throws -> String {
        let tree = scratch.file(name)
        for (path, text) in files {
            let file = FilePath(tree.string + path)
            try FileManager.default.createDirectory(
                atPath: file.removingLastComponent().string,
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: URL(filePath: file.string))
        }
        let control = """
            Package: \(name)
            Version: \(version)
            Architecture: all
            Maintainer: Test <test@example.org>
            Description: stands in for a real package

            """ + (depends.isEmpty ? "" : "Depends: \(depends)\n")
        try FileManager.default.createDirectory(
            atPath: tree.appending("DEBIAN").string,
            withIntermediateDirectories: true
        )
        for (part, text) in [
            ("control", control), ("conffiles", conffiles.joined(separator: "\n") + "\n"),
            ("postinst", "#!/bin/sh\nset -e\n[ \"$1\" = configure ] || exit 0\n\(postinst)\n"),
        ] {
            let file = tree.appending("DEBIAN").appending(part)
            try Data(text.utf8).write(to: URL(filePath: file.string))
            try await output(of: "chmod", [part == "postinst" ? "755" : "644", file.string])
        }
        let archive = folder.appending("\(name).deb").string
        try await output(of: "dpkg-deb", ["--root-owner-group", "--build", "-Zgzip", tree.string, archive])
        let sum = try await output(of: "sha256sum", [archive]).prefix(64)
        let size = try Data(contentsOf: URL(filePath: archive)).count
        return control + "Filename: ./\(name).deb\nSize: \(size)\nSHA256: \(sum)\n\n"
    }
}
