import BootWire
import Glibc
import NIOCore
import Testing

@testable import BootServer

@Suite struct LoaderDirectoryTests {
    /// `root` is served; `outside` is not.
    private func layout() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try #require(mkdir("\(directory.path)/root", 0o755) == 0)
        try #require(mkdir("\(directory.path)/root/dir", 0o755) == 0)
        try #require(mkdir("\(directory.path)/root2", 0o755) == 0)
        try directory.write("root/small.efi", Array("small".utf8))
        try directory.write("root/dir/deep.efi", Array("deep".utf8))
        try directory.write("root/secret.efi", [1], mode: 0o600)
        try directory.write("outside", Array("outside".utf8))
        try directory.write("root2/x", Array("beside".utf8))
        try #require(mkfifo("\(directory.path)/root/fifo", 0o644) == 0)
        for (link, target) in [
            ("inner", "small.efi"), ("outer", "../outside"), ("absolute", "\(directory.path)/outside"),
            ("beside", "../root2/x"), ("up", ".."), ("null", "/dev/null"), ("nowhere", "missing"), ("loop", "loop"),
        ] { try #require(symlink(target, "\(directory.path)/root/\(link)") == 0) }
        return directory
    }

    private func read(_ loaders: LoaderDirectory, _ name: String) throws -> Result<String, LoaderRefusal> {
        let path = try #require(TFTPPath(Array(name.utf8)))
        return Result { () throws(LoaderRefusal) in
            let file = try loaders.open(path)
            return file.contents(lengthMax: 1 << 20).map { String(buffer: $0) } ?? "unreadable"
        }
    }

    @Test(
        "T24, T25, T27: what is served and what is not",
        arguments: [
            ("small.efi", .success("small")), ("dir/deep.efi", .success("deep")), ("inner", .success("small")),
            ("missing", .failure(.notFound)), ("dir/missing", .failure(.notFound)),
            ("small.efi/x", .failure(.notFound)),
            ("nowhere", .failure(.notFound)), ("dir", .failure(.notServed)), ("secret.efi", .failure(.notServed)),
            ("outer", .failure(.notServed)), ("absolute", .failure(.notServed)), ("beside", .failure(.notServed)),
            ("up/outside", .failure(.notServed)), ("null", .failure(.notServed)), ("fifo", .failure(.notServed)),
            ("loop", .failure(.notServed)),
        ] as [(String, Result<String, LoaderRefusal>)]
    )
    func serves(name: String, result: Result<String, LoaderRefusal>) throws {
        let directory = try layout()
        #expect(try read(try LoaderDirectory(path: "\(directory.path)/root"), name) == result)
    }

    @Test("a link may lead to a file that is named for it, as Debian's ipxe.efi does")
    func followsNamedLinks() throws {
        let directory = try layout()
        let loaders = try LoaderDirectory(path: "\(directory.path)/root", linkTargets: ["\(directory.path)/outside"])
        #expect(try read(loaders, "outer") == .success("outside"))
        #expect(try read(loaders, "beside") == .failure(.notServed))
    }

    @Test("a served directory may itself be a link")
    func resolvesItsRoot() throws {
        let directory = try layout()
        try #require(symlink("root", "\(directory.path)/link") == 0)
        #expect(try read(try LoaderDirectory(path: "\(directory.path)/link"), "small.efi") == .success("small"))
    }

    @Test("T32: a file that was cut since it was opened is not read past its end")
    func noticesTruncation() throws {
        let directory = try layout()
        let loaders = try LoaderDirectory(path: "\(directory.path)/root")
        let file = try loaders.open(try #require(TFTPPath(Array("small.efi".utf8))))
        try directory.write("root/small.efi", [1])
        #expect(file.size == 5)
        #expect(file.contents(lengthMax: 5) == nil)
    }

    @Test func saysWhatIsMissing() {
        #expect {
            try LoaderDirectory(path: "/nonexistent/ipxe")
        } throws: { error in
            "\(error)".contains("/nonexistent/ipxe") && "\(error)".contains("install Debian's ipxe package")
        }
    }
}
