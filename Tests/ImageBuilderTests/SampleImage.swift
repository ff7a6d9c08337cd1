import Glibc
import ImageBuilder
import SystemPackage
import Testing

/// A definition with a kernel package and a userland package of its own, made by dpkg-deb: a whole build without a
/// registry. The modules are real ELF objects, with symbols by which depmod finds what they need.
struct SampleImage {
    static let release = "9.9.9-sample"
    let scratch: Scratch

    init() async throws {
        scratch = try Scratch("sample")
        try await makeKernel()
        try await makeUserland()
        _ = try await output(of: "mkdir", ["-p", scratch.file("files/etc").string])
        _ = try scratch.write(Array("#!/bin/sh\n".utf8), to: "files/init")
        _ = try scratch.write(Array("node\n".utf8), to: "files/etc/hostname")
        _ = try await output(of: "chmod", ["755", scratch.file("files/init").string])
        try writeAgent("agent 1")
        try writeDefinition()
    }

    func writeAgent(_ content: String) throws {
        _ = try scratch.write(Array(content.utf8), to: "agent")
        #expect(chmod(scratch.file("agent").string, 0o755) == 0)
    }

    func writeDefinition(_ addition: String = "") throws {
        let text = """
            name: sample
            architecture: x86_64
            kernel:
              package: kernel.deb
              arguments: [quiet]
              modules: [user]
            packages:
              userland.deb: [bin/tool, bin/link]
            agent: usr/bin/agent
            files: files
            directories: {tmp: "1777"}
            compression: 3
            \(addition)
            """
        _ = try scratch.write(Array(text.utf8), to: "sample.yaml")
    }

    /// `place` keeps the output and the cache of builds apart.
    func build(_ place: String = "a") -> ImageBuild {
        var build = ImageBuild(
            definition: scratch.file("sample.yaml"),
            outputDirectory: scratch.file("\(place)/out"),
            cacheDirectory: scratch.file("\(place)/cache"),
            agent: scratch.file("agent")
        )
        build.menuTemplate = Project.root.appending("pxe/grub.cfg.template")
        return build
    }

    private func makeKernel() async throws {
        let modules = "kernel-root/lib/modules/\(Self.release)/kernel"
        _ = try await output(
            of: "mkdir",
            ["-p", scratch.file(modules).string, scratch.file("kernel-root/boot").string]
        )
        _ = try scratch.write(Array("kernel image".utf8), to: "kernel-root/boot/vmlinuz-\(Self.release)")
        let provider = #"char s[] __attribute__((section("__ksymtab_strings"))) = "shared_function";"#
        try await compile(provider, to: "\(modules)/provider.ko")
        try await compile(
            "void shared_function(void); void user(void) { shared_function(); }",
            to: "\(modules)/user.ko"
        )
        try await compile("int unused;", to: "\(modules)/unused.ko")
        try await pack("kernel")
    }

    private func makeUserland() async throws {
        _ = try await output(of: "mkdir", ["-p", scratch.file("userland-root/bin").string])
        _ = try scratch.write(Array("tool".utf8), to: "userland-root/bin/tool")
        _ = try scratch.write(Array("not taken".utf8), to: "userland-root/bin/other")
        #expect(symlink("tool", scratch.file("userland-root/bin/link").string) == 0)
        try await pack("userland")
    }

    private func compile(_ source: String, to module: String) async throws {
        let file = try scratch.write(Array(source.utf8), to: "module.c")
        _ = try await output(of: "clang", ["-c", "-o", scratch.file(module).string, file.string])
    }

    private func pack(_ name: String) async throws {
        let root = "\(name)-root"
        _ = try await output(of: "mkdir", ["-p", scratch.file("\(root)/DEBIAN").string])
        let control =
            "Package: \(name)\nVersion: 1\nArchitecture: amd64\nMaintainer: N <n@example.org>\nDescription: x\n"
        _ = try scratch.write(Array(control.utf8), to: "\(root)/DEBIAN/control")
        let package = scratch.file("\(name).deb")
        _ = try await output(
            of: "dpkg-deb",
            ["--root-owner-group", "-Zgzip", "-b", scratch.file(root).string, package.string]
        )
    }
}
