import Archive
import Testing

@testable import ImageBuilder

@Suite struct ModuleIndexTests {
    private static let index = ModuleIndex(
        modulesDep: """
            kernel/net/llc/llc.ko:
            kernel/net/802/stp.ko: kernel/net/llc/llc.ko
            kernel/net/bridge/bridge.ko: kernel/net/802/stp.ko kernel/net/llc/llc.ko
            kernel/drivers/hid/hid-generic.ko: kernel/drivers/hid/hid.ko
            kernel/drivers/hid/hid.ko:
            kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko: kernel/drivers/ptp/ptp.ko
            kernel/drivers/net/ethernet/realtek/8139too.ko.xz: kernel/drivers/net/mii.ko.xz
            kernel/drivers/net/ethernetish/no.ko:
            """
    )

    @Test(
        arguments: [
            (["bridge"], [], ["kernel/net/802/stp.ko", "kernel/net/bridge/bridge.ko", "kernel/net/llc/llc.ko"]),
            (["hid_generic"], [], ["kernel/drivers/hid/hid-generic.ko", "kernel/drivers/hid/hid.ko"]),
            (["hid-generic", "hid"], [], ["kernel/drivers/hid/hid-generic.ko", "kernel/drivers/hid/hid.ko"]),
            (["8139too"], [], ["kernel/drivers/net/ethernet/realtek/8139too.ko.xz", "kernel/drivers/net/mii.ko.xz"]),
            (["built-in"], [], []),
            (
                [], ["drivers/net/ethernet"],
                [
                    "kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko",
                    "kernel/drivers/net/ethernet/realtek/8139too.ko.xz", "kernel/drivers/net/mii.ko.xz",
                    "kernel/drivers/ptp/ptp.ko",
                ]
            ),
        ] as [([String], [String], [String])]
    )
    func selectionsBringWhatTheyNeed(names: [String], directories: [String], expected: [String]) throws {
        let selection = ImageDefinition.ModuleSelection(
            directories: directories.compactMap { TreePath($0) },
            names: names
        )
        let chosen = try Self.index.closure(of: selection, builtin: ["built_in"])
        #expect(chosen.map(\.text) == expected)
    }

    /// Out of a folder, but not by its name, nor where another one needs it; what the kernel lacks is no matter.
    @Test(
        arguments: [
            (["e1000e", "wishful"], [], ["net/802/stp", "net/bridge/bridge", "net/llc/llc"]),
            (["stp", "llc", "bridge"], [], []), (["bridge"], ["llc"], ["net/802/stp", "net/llc/llc"]),
            (["stp", "llc"], [], ["net/802/stp", "net/bridge/bridge", "net/llc/llc"]),
            (["llc", "bridge"], ["bridge"], ["net/802/stp", "net/bridge/bridge", "net/llc/llc"]),
        ] as [([String], [String], [String])]
    )
    func excludedModules(excluded: [String], names: [String], expected: [String]) throws {
        let directories = ["net/bridge", "net/802", "net/llc"].compactMap { TreePath($0) }
        let selection = ImageDefinition.ModuleSelection(directories: directories, names: names, excluded: excluded)
        #expect(try Self.index.closure(of: selection, builtin: []).map(\.text) == expected.map { "kernel/\($0).ko" })
    }

    @Test func whatTheKernelLacksIsListed() {
        let selection = ImageDefinition.ModuleSelection(
            directories: ["drivers/nowhere"].compactMap { TreePath($0) },
            names: ["bridge", "wishful"]
        )
        let error = #expect(throws: BuildError.self) { try Self.index.closure(of: selection, builtin: []) }
        #expect(error?.message.contains("wishful, drivers/nowhere") == true)
    }
}
