import HostModel
import Recipes
import Testing

@Suite struct BootMenuTests {
    private static let medium = VolumeID(image: "node", version: "01234567")

    private static func menu() throws -> BootMenu {
        try BootMenu(template: try PXEFiles.text("\(PXEFiles.directory)/\(BootMenu.fileName)"))
    }

    @Test("words that GRUB would act on are quoted, quotation marks are refused")
    func arguments() throws {
        let text = try Self.menu().render(
            title: "t",
            arguments: ["adminpw=$6$a.b", "a>b", "c{d}", "root=live:x"],
            medium: Self.medium
        )
        #expect(text.contains("linux /muster/vmlinuz 'adminpw=$6$a.b' 'a>b' 'c{d}' root=live:x\n"))
        for word in ["a'b", "a\"b", "a b", "a\nb", "$(reboot)", ""] {
            #expect(throws: RecipeError.self) {
                try Self.menu().render(title: "t", arguments: [word], medium: Self.medium)
            }
        }
    }

    @Test(
        "a title changes no command of the menu",
        arguments: ["x' { reboot }", "a\nreboot", "$root", "\"", "\\", "ü", String(repeating: "'", count: 5000)]
    )
    func hostileTitle(title: String) throws {
        let plain = try Self.menu().render(title: "plain", arguments: ["quiet"], medium: Self.medium)
        let hostile = try Self.menu().render(title: title, arguments: ["quiet"], medium: Self.medium)
        let line = try #require(hostile.split(separator: "\n").first { $0.hasPrefix("menuentry \"Start \"") })
        #expect(line.hasSuffix("' --id start {") && line.count { $0 == "'" } == 2)
        #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(hostile.split(separator: "\n").count == plain.split(separator: "\n").count)
    }

    @Test func allMessagesComeOnBothConsoles() throws {
        let text = try Self.menu().render(
            title: "t",
            arguments: ["quiet", "console=ttyS1", "ip=dhcp"],
            medium: Self.medium
        )
        #expect(text.contains("vmlinuz ip=dhcp console=tty0 console=ttyS0,115200n8 loglevel=7\n"))
    }

    @Test("the entry for an installation asks on both consoles, and takes its image from the medium")
    func installation() throws {
        let text = try Self.menu().render(title: "t", arguments: ["quiet", "ip=dhcp"], medium: Self.medium)
        let words =
            "ip=dhcp console=tty0 console=ttyS0,115200n8 muster.install=ask muster.install-image=medium:NODE_01234567"
        #expect(text.contains("vmlinuz \(words)\n"))
    }

    @Test func aTemplateWithAnUnknownPlaceholderIsRefused() {
        #expect(throws: RecipeError.unknownPlaceholder(template: BootMenu.fileName, name: "shell")) {
            try BootMenu(template: "{{shell}}")
        }
    }
}
