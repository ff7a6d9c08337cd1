import Agent
import Glibc
import HostModel
import SystemPackage
import Testing

@Suite struct NodeDirectoryTests {
    private let temporary = TemporaryDirectory()
    private var directory: NodeDirectory { temporary.directory }

    private func mode(_ name: String) -> UInt32 {
        var status = stat()
        return stat(directory.file(name).string, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    private func group(_ name: String) -> UInt32 {
        var status = stat()
        return stat(directory.file(name).string, &status) == 0 ? status.st_gid : .max
    }

    @Test func replacesAndKeepsNothingBeside() throws {
        try directory.write(Array("one".utf8), to: "a")
        try directory.write(Array("two".utf8), to: "a", permissions: [.ownerReadWrite, .groupRead], group: 36)
        #expect(try directory.read("a") == Array("two".utf8))
        #expect(mode("a") == 0o640 && (getuid() != 0 || group("a") == 36))
        #expect(entries() == ["a"])
    }

    @Test func missingIsNil() throws {
        #expect(try directory.read("none") == nil)
        #expect(directory.value(NodeSettings.self, in: "none") == nil)
        try directory.remove("none")
    }

    @Test("a write that fails leaves the old content and nothing beside it")
    func failedWrite() throws {
        try directory.write(Array("old".utf8), to: "a")
        mkdir(directory.file("dir").string, 0o755)
        #expect(throws: FileFailure.self) { try directory.write(Array("new".utf8), to: "dir") }
        #expect(throws: FileFailure.self) { try NodeDirectory(directory.file("no/such")).write([1], to: "a") }
        #expect(entries() == ["a", "dir"])
    }

    /// `muster image embed`: the arguments count as if they stood in front of the kernel's own.
    @Test("case 45: a site's arguments stand in front of the kernel's") func siteArguments() throws {
        try directory.write(Array("management_server=site:8443 hostname=site ip=dhcp\n".utf8), to: "site")
        try directory.write(Array("management_server=boot quiet\n".utf8), to: "cmdline")
        let site = directory.file("site")
        let both = NodeConfiguration(
            commandLine: directory.file("cmdline"),
            site: site,
            state: directory,
            run: directory
        )
        #expect(both.engine == EngineAddress("boot"))
        #expect(both.hostName == HostName("site"))
        #expect(both.arguments.addresses.count == 1)
        let alone = NodeConfiguration(commandLine: directory.file("none"), site: site, state: directory, run: directory)
        #expect(alone.engine == EngineAddress("site:8443"))
        let without = NodeConfiguration(
            commandLine: directory.file("cmdline"),
            site: "/no/such",
            state: directory,
            run: directory
        )
        #expect(without.hostName == nil)
    }

    @Test(
        "the kernel's own line alone says that a machine is to be rescued",
        arguments: [
            ("quiet muster.rescue", "", true), ("muster.rescues", "", false), ("", "muster.rescue", false),
        ]
    )
    func rescue(line: String, site: String, expected: Bool) throws {
        try directory.write(Array(line.utf8), to: "cmdline")
        try directory.write(Array(site.utf8), to: "site")
        let (commandLine, site) = (directory.file("cmdline"), directory.file("site"))
        let read = NodeConfiguration(commandLine: commandLine, site: site, state: directory, run: directory)
        #expect(read.isRescue == expected)
    }

    @Test(
        "settings that are not JSON count as none; a node must start with what it has",
        arguments: ["", "{", "[]", "{\"engine\":7}"]
    )
    func damagedSettings(text: String) throws {
        try directory.write(Array(text.utf8), to: NodeSettings.fileName)
        let configuration = NodeConfiguration(commandLine: directory.file("cmdline"), state: directory, run: directory)
        #expect(configuration == NodeConfiguration())
    }

    @Test func settingsRoundTrip() throws {
        var settings = NodeSettings()
        settings.engine = EngineAddress("engine.example:8443")
        settings.network = NodeSettings.Network(link: LinkName("eth1"), vlan: 5, address: IPv4Network("10.0.0.5/24"))
        try directory.write(value: settings, to: NodeSettings.fileName)
        #expect(directory.value(NodeSettings.self, in: NodeSettings.fileName) == settings)
    }

    @Test("the console wins over the kernel arguments, and brings its own fingerprint")
    func precedence() {
        let (one, two) = (Nonce.random(), Nonce.random())
        var arguments = NodeArguments()
        (arguments.engine, arguments.engineFingerprint) = (EngineAddress("a"), one)
        var settings = NodeSettings()
        #expect(NodeConfiguration(arguments: arguments, settings: settings).engineFingerprint == one)
        settings.engine = EngineAddress("b")
        #expect(NodeConfiguration(arguments: arguments, settings: settings).engine == EngineAddress("b"))
        #expect(NodeConfiguration(arguments: arguments, settings: settings).engineFingerprint == nil)
        settings.engineFingerprint = two
        #expect(NodeConfiguration(arguments: arguments, settings: settings).engineFingerprint == two)
        settings = NodeSettings()
        settings.engine = EngineAddress("a")
        #expect(NodeConfiguration(arguments: arguments, settings: settings).engineFingerprint == one)
    }

    @Test(
        "an engine that lies on a disk leads no node away from a fingerprint of the kernel arguments; one typed now does"
    )
    func diskAgainstFingerprint() throws {
        let (state, run) = (NodeDirectory(directory.file("state")), NodeDirectory(directory.file("run")))
        for each in [state, run] { try each.make() }
        let (told, typed) = (Nonce.random(), Nonce.random())
        var settings = NodeSettings()
        (settings.engine, settings.engineFingerprint) = (EngineAddress("b"), typed)
        settings.hostName = HostName("n")
        try settings.save(state: state, run: run)
        func configuration(_ line: String) throws -> NodeConfiguration {
            try directory.write(Array(line.utf8), to: "cmdline")
            return NodeConfiguration(commandLine: directory.file("cmdline"), state: state, run: run)
        }
        let withFingerprint = "management_server=a management_server_fingerprint=\(told)"
        #expect(try configuration(withFingerprint).engine == EngineAddress("b"))
        #expect(try configuration(withFingerprint).engineFingerprint == typed)
        // A reboot.
        try run.remove(NodeSettings.engineFileName)
        #expect(try configuration(withFingerprint).engine == EngineAddress("a"))
        #expect(try configuration(withFingerprint).engineFingerprint == told)
        #expect(try configuration(withFingerprint).hostName == HostName("n"))
        #expect(try configuration("management_server=a").engine == EngineAddress("b"))
        #expect(try configuration("management_server=a").engineFingerprint == typed)
    }

    private func entries() -> [String] {
        guard let handle = opendir(directory.path.string) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
            )
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }
}
