import Agent
import Glibc
import SystemPackage
import Testing

/// Whether a root image's first process could be started.
@Suite struct TreeLookupTests {
    @Test(
        "links are followed inside of the tree",
        arguments: [
            ("/usr/lib/init", true), ("/plain", false), ("/usr", false), ("/nothing", false), ("/absolute", true),
            ("/relative", true), ("/upward", true), ("/through/lib/init", true), ("/loop", false), ("/dangling", false),
            ("/escaping", false),
        ]
    )
    func isProgram(path: String, expected: Bool) throws {
        let folder = TemporaryDirectory()
        let library = try folder.directory("usr")
        _ = library
        let inner = try folder.directory("usr/lib")
        try inner.write(Array("x".utf8), to: "init", permissions: [.ownerReadWriteExecute])
        try folder.directory.write([], to: "plain")
        for (name, target) in [
            ("absolute", "/usr/lib/init"), ("relative", "usr/../usr/./lib/init"), ("upward", "../../../usr/lib/init"),
            ("through", "/usr"), ("loop", "loop"), ("dangling", "/usr/lib/none"), ("escaping", "/bin/sh"),
        ] {
            try #require(symlink(target, folder.directory.file(name).string) == 0)
        }
        #expect(TreeLookup(root: folder.path).isProgram(path) == expected)
    }
}
