import FoundationEssentials
import SystemPackage

/// A repository of RPMs that the test makes by rpmbuild and createrepo_c, for a server that has dnf and rpm.
struct RPMRepository {
    static let packages = ["muster-test-libvirt"]

    let scratch: Scratch
    var folder: FilePath { scratch.file("repository") }

    init() async throws {
        scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        // Stands for what an EL server has: whoever has a scriptlet asks for a shell.
        try await add("muster-test-system", "Provides: /bin/sh")
        try await add("muster-test-base", files: ["/etc/muster-test/base.conf": "base\n"])
        try await add(
            "muster-test-libvirt",
            "Requires: muster-test-base",
            files: [
                "/usr/lib/systemd/system/libvirtd.service":
                    "[Unit]\nDescription=stands in for libvirtd\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
                "/etc/libvirt/qemu.conf": "# qemu\n",
            ],
            post: """
                getent group kvm > /dev/null || groupadd -r kvm
                getent group qemu > /dev/null || groupadd -r -g 107 qemu
                getent passwd qemu > /dev/null || useradd -r -u 107 -g 107 -G kvm -M qemu
                echo generated > /etc/libvirt/generated.conf
                """
        )
        try await output(of: "createrepo_c", ["-q", folder.string])
    }

    private func add(
        _ name: String,
        _ tags: String = "",
        files: [String: String] = [:],
        post: String = ""
    ) async throws {
        var install = ""
        var list = ""
        for (index, (path, text)) in files.sorted(by: { $0.key < $1.key }).enumerated() {
            let source = try scratch.write(text, to: "\(name)-\(index)")
            install += "install -D -m 644 '\(source)' '%{buildroot}\(path)'\n"
            list += (path.hasPrefix("/etc") ? "%config(noreplace) " : "") + path + "\n"
        }
        let spec = """
            Name: \(name)
            Version: 1
            Release: 1.el9
            Summary: x
            License: MIT
            BuildArch: noarch
            \(tags)
            %description
            x
            %install
            \(install)
            \(post.isEmpty ? "" : "%post\n" + post)
            %files
            \(list)
            """
        let file = try scratch.write(spec, to: "\(name).spec")
        try await output(
            of: "rpmbuild",
            [
                "-bb", "--quiet", "--define", "_topdir \(scratch.file("top"))", "--define", "_rpmdir \(folder)",
                "--define", "_build_id_links none", "--define", "__os_install_post %{nil}", file.string,
            ]
        )
    }
}
