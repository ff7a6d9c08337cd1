import Archive
import Testing

@Suite struct FileTreeTests {
    @Test(arguments: [
        ("usr/bin", "usr/bin"), ("/usr/bin", "usr/bin"), ("./usr//bin/", "usr/bin"), ("a b\n", "a b\n"), ("-o", "-o"),
        ("...", "..."), ("é", "é"),
    ])
    func pathsAreReduced(text: String, expected: String) throws {
        #expect(try #require(TreePath(text)).text == expected)
    }

    @Test(arguments: ["", "/", ".", "./", "..", "../x", "a/../../x", "a/..", "/..", "a\0b"])
    func pathsThatLeadOutAreRefused(text: String) {
        #expect(TreePath(text) == nil)
    }

    @Test func pathsHaveTheKernelsLimits() {
        #expect(TreePath(String(repeating: "x", count: 255)) != nil)
        #expect(TreePath(String(repeating: "x", count: 256)) == nil)
        #expect(TreePath(String(repeating: "x/", count: 2100)) == nil)
    }

    /// Swift's own order and equality go by canonical equivalence; file systems go by bytes.
    @Test func pathsCompareByBytes() throws {
        let composed = try #require(TreePath("\u{E9}"))
        let decomposed = try #require(TreePath("e\u{301}"))
        #expect(composed != decomposed)
        let texts = ["a", "a-b", "a/b", "a/b/c", "ab", "b", "\u{E9}"]
        let paths = texts.compactMap { TreePath($0) }
        #expect(paths.reversed().sorted().map(\.text) == texts)
    }

    @Test func missingParentsAreMade() throws {
        var tree = FileTree()
        try tree.add(.symbolicLink(target: "x"), at: try #require(TreePath("a/b/c")))
        #expect(tree.sorted.map(\.path.text) == ["a", "a/b", "a/b/c"])
        #expect(tree.nodes[try #require(TreePath("a"))] == .directory(mode: 0o755))
    }

    @Test func aLaterNodeOfTheSameKindReplaces() throws {
        var tree = FileTree()
        let path = try #require(TreePath("a"))
        try tree.add(.directory(mode: 0o755), at: path)
        try tree.add(.directory(mode: 0o700), at: path)
        #expect(tree.nodes[path] == .directory(mode: 0o700))
    }

    @Test func oneKindDoesNotReplaceAnother() throws {
        var tree = FileTree()
        try tree.add(.file(.bytes([]), mode: 0o644), at: try #require(TreePath("a")))
        let below = try #require(TreePath("a/b"))
        #expect(throws: ArchiveError.self) { try tree.add(.directory(mode: 0o755), at: below) }
        let same = try #require(TreePath("a"))
        #expect(throws: ArchiveError.self) { try tree.add(.symbolicLink(target: "x"), at: same) }
    }
}
