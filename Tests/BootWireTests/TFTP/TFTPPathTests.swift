import BootWire
import Testing

@Suite struct TFTPPathTests {
    @Test(
        "T26: slashes of every kind",
        arguments: [
            ("ipxe.efi", "ipxe.efi"), ("/ipxe.efi", "ipxe.efi"), ("//grub//x", "grub/x"),
            ("\\boot\\x.efi", "boot/x.efi"),
            ("./a/./b", "a/b"), ("a b", "a b"), ("%2e%2e/x", "%2e%2e/x"), ("..a/b..", "..a/b.."),
        ]
    )
    func takes(name: String, path: String) {
        #expect(TFTPPath(Array(name.utf8))?.description == path)
    }

    @Test(
        "T25, T28: what is no name, or leads out of the directory",
        arguments: [
            "", "/", "..", "../etc/passwd", "/../..", "a/../../x", "..\\x", "a/..", "a\nb", "a\u{1B}[2J", "a\u{7F}",
        ]
    )
    func refuses(name: String) {
        #expect(TFTPPath(Array(name.utf8)) == nil)
    }

    @Test func takesWhatFirmwareForgets() {
        #expect(TFTPPath(Array("a.efi".utf8) + [0xFF, 0xFF])?.components == ["a.efi"])
        #expect(TFTPPath([0xFF]) == nil)
        #expect(TFTPPath([97, 0xC0, 0xAE]) == nil, "not UTF-8")
        #expect(TFTPPath([97, 0, 98]) == nil)
        #expect(TFTPPath(Array(String(repeating: "a/", count: 17).utf8)) == nil)
    }
}
