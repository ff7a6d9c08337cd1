import FoundationEssentials
import Glibc
import HostModel
import ImageBuilder
import SystemPackage
import Testing

/// An Enterprise Linux image by dnf, from a repository that the test makes by rpmbuild and createrepo_c. Takes root.
@Suite struct EnterpriseLinuxTests {
    static let release = "5.14.0-1.el9.x86_64"

    struct Repository {
        let scratch: Scratch

        init() async throws {
            scratch = try Scratch("el")
            _ = try await output(
                of: "mkdir",
                ["-p", scratch.file("repository").string, scratch.file("stage1/files").string]
            )
            let modules = "/lib/modules/\(EnterpriseLinuxTests.release)"
            try await add(
                "setup",
                files: [
                    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "/etc/group": "root:x:0:\n",
                    "/etc/shadow": "root:*:20000::::::\n", "/etc/gshadow": "root:::\n",
                    "/etc/os-release": "ID=centos\n",
                ]
            )
            try await module("one", to: "one.ko")
            try await add(
                "kernel-core",
                files: ["\(modules)/vmlinuz": "kernel image", "\(modules)/modules.builtin": ""],
                copies: ["\(modules)/kernel/one.ko.xz": scratch.file("one.ko.xz")],
                requires: "setup"
            )
            _ = try await output(of: "createrepo_c", ["-q", scratch.file("repository").string])
            try write()
        }

        private func module(_ name: String, to file: String) async throws {
            let source = try scratch.write(Array("int \(name);".utf8), to: "module.c")
            _ = try await output(of: "clang", ["-c", "-o", scratch.file(file).string, source.string])
            _ = try await output(of: "xz", ["-f", "--check=crc32", scratch.file(file).string])
        }

        private func add(
            _ name: String,
            files: [String: String],
            copies: [String: FilePath] = [:],
            requires: String? = nil
        ) async throws {
            var install = ""
            var list = ""
            for (index, (path, text)) in files.sorted(by: { $0.key < $1.key }).enumerated() {
                let source = try scratch.write(Array(text.utf8), to: "\(name)-\(index)")
                install += "install -D -m 644 '\(source)' '%{buildroot}\(path)'\n"
                list += path + "\n"
            }
            for (path, source) in copies {
                install += "install -D -m 644 '\(source)' '%{buildroot}\(path)'\n"
                list += path + "\n"
            }
            let spec = """
                Name: \(name)
                Version: 1
                Release: 1.el9
                Summary: x
                License: MIT
                BuildArch: noarch
                \(requires.map { "Requires: \($0)" } ?? "")
                %description
                x
                %install
                \(install)
                %files
                \(list)
                """
            let file = try scratch.write(Array(spec.utf8), to: "\(name).spec")
            _ = try await output(
                of: "rpmbuild",
                [
                    "-bb", "--quiet", "--define", "_topdir \(scratch.file("top"))", "--define",
                    "_rpmdir \(scratch.file("repository"))", "--define", "_build_id_links none", "--define",
                    "__os_install_post %{nil}", file.string,
                ]
            )
        }

        func write(check: String = "gpgcheck: false", more: String = "") throws {
            let stage1 = """
                name: s
                architecture: x86_64
                kernel: {package: unused.deb, modules: [one]}
                files: files
                compression: 3
                """
            _ = try scratch.write(Array(stage1.utf8), to: "stage1/s.yaml")
            _ = try scratch.write(Array("init".utf8), to: "stage1/files/init")
            let text = """
                name: el
                architecture: x86_64
                base:
                  centos-stream:
                    release: 9
                    repositories: [{name: local, url: "file://\(scratch.file("repository"))", \(check)}]
                packages: [kernel-core]
                stage1: stage1/s.yaml
                groups: {kvm: 36}
                users: [{name: vdsm, uid: 36, gid: 36}]
                \(more)
                """
            _ = try scratch.write(Array(text.utf8), to: "el.yaml")
        }

        func build(_ place: String) -> ImageBuild {
            ImageBuild(
                definition: scratch.file("el.yaml"),
                outputDirectory: scratch.file("\(place)/out"),
                cacheDirectory: scratch.file("\(place)/cache")
            )
        }
    }

    @Test("case 57: dnf makes the tree; the list of packages is rpm's own; twice the same bytes")
    func builds() async throws {
        let repository = try await Repository()
        let built = try await repository.build("a").run { _ in }
        #expect(built.manifest.kernelVersion == Self.release)
        let list = try await RootSample.list(built)
        #expect(list["etc/os-release"] == "-rw-r--r-- 0/0")
        #expect(list["var/lib/rpm/rpmdb.sqlite"] != nil)
        for traces in ["var/lib/dnf/", "var/cache/dnf/", "var/log/dnf"] {
            #expect(!list.keys.contains { $0.hasPrefix(traces) }, "\(traces)")
        }
        #expect(try await RootSample.content(built, "etc/group").contains("kvm:x:36:"))
        let image = built.directory.appending("root.squashfs").string
        let unpacked = repository.scratch.file("unpacked").string
        _ = try await output(of: "unsquashfs", ["-q", "-n", "-d", unpacked, image])
        let query = try await output(
            of: "rpm",
            ["--root", unpacked, "--dbpath", "/var/lib/rpm", "-qa", "--qf", "%{NAME}\n"]
        )
        let packages = try await output(of: "cat", [built.directory.appending("packages.json").string])
        #expect(query.split(separator: "\n").sorted() == ["kernel-core", "setup"])
        for name in query.split(separator: "\n") { #expect(packages.contains("\"name\" : \"\(name)\"")) }
        let again = try await repository.build("b/deeper").run { _ in }
        #expect(again.manifest == built.manifest)
        #expect(try await stagesRun(by: repository.build("a")) == [])
    }

    @Test("a tree for Anaconda's liveimg has its kernel at /boot/vmlinuz-RELEASE, and no other image has one")
    func liveimg() async throws {
        let repository = try await Repository()
        let plain = try await RootSample.list(try await repository.build("a").run { _ in })
        #expect(!plain.keys.contains { $0.hasPrefix("boot/") })
        try repository.write(more: "trim: {keep-boot: true}\nrollback-index: 3")
        let built = try await repository.build("a").run { _ in }
        let list = try await RootSample.list(built)
        #expect(list["boot/vmlinuz-\(Self.release)"] == "-rw-r--r-- 0/0")
        #expect(try await RootSample.content(built, "boot/vmlinuz-\(Self.release)") == "kernel image")
        #expect(built.manifest.rollbackIndex == 3)
        // The initramfs takes none older than itself.
        let files = try await ImageInspection(built.directory, hashesFiles: true).run().files
        let index = files.first { $0.path == "etc/muster/rollback-index" }
        #expect(index?.sha256 == Nonce(hex: "1121cfccd5913f0a63fec40a6ffd44ea64f9dc135c66634ba001d10bcf4302a2"))
    }

    @Test("case 30: a package without the repository's signature is refused") func unsigned() async throws {
        let repository = try await Repository()
        _ = try repository.scratch.write([], to: "key.asc")
        try repository.write(check: "gpgkey: key.asc")
        let error = await buildError(repository.build("a"))
        #expect(error?.kind == .packages, "\(error as Any)")
        #expect(error?.message.contains("GPG") == true, "\(error?.message ?? "none")")
    }
}
