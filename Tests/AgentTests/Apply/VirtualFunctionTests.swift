import AgentWire
import HostModel
import Logging
import NIOCore
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// SR-IOV on a tree of files that stands for sysfs: no machine here has such a card. A file of sysfs takes each write as a
/// whole; a plain one keeps them one behind the other, and so shows what was written in which order: `04`.
@Suite struct VirtualFunctionTests {
    /// Two cards: eth0 can have seven functions and has `now`; eth1 is a plain one.
    private struct Host {
        let temporary = TemporaryDirectory()
        let card = PCIAddress("0000:05:00.0")
        private(set) var settings: ApplySettings
        let keeper: NetworkKeeper

        init(now: Int = 0, max: String = "7") throws {
            let directory = temporary.directory
            settings = ApplySettings(
                run: NodeDirectory(directory.file("run")),
                networkConfiguration: directory.file("vdsm"),
                resolvConf: directory.file("resolv.conf")
            )
            settings.sysfs = directory.file("sys")
            (settings.functionSeconds, settings.waitsForBootNetwork) = (0, false)
            try settings.run.make()
            keeper = NetworkKeeper(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            for (link, address) in [("eth0", "0000:05:00.0"), ("eth1", "0000:06:00.0")] { try add(link, address) }
            try put("bus/pci/devices/0000:05:00.0/sriov_totalvfs", "\(max)\n")
            try put("bus/pci/devices/0000:05:00.0/sriov_numvfs", "\(now)")
        }

        /// A card with its link.
        func add(_ link: String, _ address: String) throws {
            let device = settings.sysfs.appending("bus/pci/devices/\(address)")
            try NodeDirectory(device.appending("net").appending(link)).make()
            try NodeDirectory(settings.sysfs.appending("class/net").appending(link)).make()
            let way = "../../../bus/pci/devices/\(address)"
            try #require(symlink(way, settings.sysfs.appending("class/net/\(link)/device").string) == 0)
        }

        /// A function of eth0, with its link or in a guest's hands.
        func addFunction(_ number: Int, link: String? = nil, driver: String = "iavf") throws {
            let address = "0000:05:10.\(number)"
            let (card, device) = ("bus/pci/devices/0000:05:00.0", "bus/pci/devices/\(address)")
            try NodeDirectory(settings.sysfs.appending("bus/pci/drivers/\(driver)")).make()
            try NodeDirectory(settings.sysfs.appending(device)).make()
            if let link { try add(link, address) }
            func tie(_ target: String, _ path: String) throws {
                try #require(symlink(target, settings.sysfs.appending(path).string) == 0)
            }
            try tie("../\(address)", "\(card)/virtfn\(number)")
            try tie("../0000:05:00.0", "\(device)/physfn")
            try tie("../../drivers/\(driver)", "\(device)/driver")
        }

        func put(_ path: String, _ text: String) throws {
            let file = settings.sysfs.appending(path)
            try NodeDirectory(file.removingLastComponent()).write(
                Array(text.utf8),
                to: file.lastComponent?.string ?? ""
            )
        }

        func written() throws -> String {
            let file = settings.sysfs.appending("bus/pci/devices/0000:05:00.0/sriov_numvfs")
            return String(decoding: try #require(try readFile(file)), as: UTF8.self)
        }

        func change(_ count: Int, of device: String = "pci_0000_05_00_0") async throws {
            let params: JSONValue = .object(["deviceName": .string(device), "numvfs": .integer(Int64(count))])
            try await keeper.changeVirtualFunctions(VirtualFunctionsOrder(params: params))
        }

        /// The code of a refusal, and its sentence.
        func refusal(_ count: Int, of device: String = "pci_0000_05_00_0") async throws -> RPCError? {
            do { try await change(count, of: device) } catch let error as RPCError { return error }
            return nil
        }

        func files(_ configuration: NetworkConfiguration) throws -> String? {
            try readFile(configuration.root.appending("devices").appending("eth0")).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
    }

    @Test("none first, then so many; kept in VDSM's layout, and committed like a network")
    func changes() async throws {
        let host = try Host(now: 2)
        try await host.change(4)
        #expect(try host.written() == "04")
        let kept = try #require(try host.files(.running(in: host.settings.networkConfiguration)))
        #expect(kept.filter { !$0.isWhitespace } == #"{"sriov":{"numvfs":4}}"#)
        #expect(try await host.keeper.ownership().isDirty)
        try await host.keeper.commit()
        #expect(try await !host.keeper.ownership().isDirty)
        #expect(try host.files(.persistent(in: host.settings.networkConfiguration)) == kept)
        try await host.change(4)
        #expect(try host.written() == "04", "what is there already is not taken away and made anew")
        try await host.change(0)
        #expect(try host.written() == "00")
        #expect(try await host.keeper.ownership().isDirty)
    }

    @Test("what a card cannot have is refused, with the field at fault, and nothing is written or kept")
    func refusals() async throws {
        let host = try Host()
        var refusal = try await host.refusal(8)
        #expect(refusal?.code == .badParameters && refusal?.message.contains("0 to 7") == true)
        refusal = try await host.refusal(1, of: "pci_0000_06_00_0")
        #expect(refusal?.code == .badNIC && refusal?.message.contains("eth1 cannot have") == true)
        #expect(try await host.refusal(1, of: "pci_0000_09_00_0")?.code == .badNIC)
        for device in ["", "eth0", "pci_0000_05_00_0/..", "pci_../../x_05_00_0"] {
            #expect(try await host.refusal(1, of: device)?.code == .invalidParams)
        }
        for number in [.integer(-1), .integer(65536), .string("many"), .null, .boolean(true)] as [JSONValue] {
            let params: JSONValue = .object(["deviceName": "pci_0000_05_00_0", "numvfs": number])
            #expect(throws: RPCError.self) { try VirtualFunctionsOrder(params: params) }
        }
        #expect(try VirtualFunctionsOrder(params: .array(["pci_0000_05_00_0", "3"])).count == 3)
        #expect(try host.written() == "0")
        #expect(try host.files(.running(in: host.settings.networkConfiguration)) == nil)
    }

    @Test("numbers that a driver makes up are no SR-IOV", arguments: ["", "many", "-1", "70000"])
    func strangeNumbers(_ max: String) async throws {
        let host = try Host(max: max)
        #expect(try await host.refusal(1)?.code == .badNIC)
    }

    @Test("a function that a network or a guest has keeps the others")
    func used() async throws {
        let host = try Host(now: 2)
        try host.addFunction(0, link: "eth0v0")
        // The first call of a boot forgets what ran before it.
        try await host.change(2)
        let network = WantedNetwork(name: "red", southbound: .nic("eth0v0"))
        let running = NetworkConfiguration.running(in: host.settings.networkConfiguration)
        try running.save(OwnedNetworks(networks: ["red": network]))
        var refusal = try await host.refusal(4)
        #expect(
            refusal?.code == .usedNIC && refusal?.message.contains("eth0v0") == true,
            "\(String(describing: refusal))"
        )
        try running.save(OwnedNetworks())
        try host.addFunction(1, driver: "vfio-pci")
        refusal = try await host.refusal(0)
        #expect(refusal?.code == .usedNIC && refusal?.message.contains("0000:05:10.1") == true)
        #expect(try host.written() == "2")
    }

    @Test("what the kernel says is a sentence with what helps", arguments: [EBUSY, EINVAL, ENOENT, ENOSPC, EIO])
    func failures(_ code: Int32) {
        let sentence = "\(FunctionFailure(wanted: 4, code: code))"
        #expect(sentence.contains(String(cString: strerror(code))) && sentence.contains("cannot be 4"))
        #expect(sentence.split(separator: ";").count == 2)
    }

    @Test("a driver that takes nothing, or makes fewer, is told; what was there before comes back")
    func driver() throws {
        let host = try Host()
        let card = NetworkCard(try #require(host.card), sysfs: host.settings.sysfs)
        // A plain file keeps the digits of a longer number that was there: 4 reads as 048.
        try host.put("bus/pci/devices/0000:05:00.0/sriov_numvfs", "128")
        #expect(throws: FunctionFailure(wanted: 4, reason: "the driver made 48")) { try card.setFunctions(4) }
        #expect(try host.written().hasPrefix("0"))
        let file = host.settings.sysfs.appending("bus/pci/devices/0000:05:00.0/sriov_numvfs")
        unlink(file.string)
        #expect(throws: FunctionFailure(wanted: 4, code: ENOENT)) { try card.setFunctions(4) }
        try #require(symlink("/dev/full", file.string) == 0)
        #expect(throws: FunctionFailure(wanted: 4, code: ENOSPC)) { try card.setFunctions(4) }
    }

    @Test("at the start functions come back before networks; one card's failure is no other's")
    func restores() async throws {
        let host = try Host()
        try await host.change(4)
        try await host.keeper.commit()
        try host.put("bus/pci/devices/0000:05:00.0/sriov_numvfs", "0")
        // The next boot: nothing runs, and a network stands on a function.
        let persistent = NetworkConfiguration.persistent(in: host.settings.networkConfiguration)
        var committed = try persistent.owned()
        committed.networks["red"] = WantedNetwork(name: "red", southbound: .nic("eth0v9"))
        committed.virtualFunctions["eth7"] = 2
        try persistent.save(committed)
        try NetworkConfiguration.running(in: host.settings.networkConfiguration).restore(nil)
        let next = NetworkKeeper(host.settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let failures = await next.restore()
        #expect(try host.written() == "04")
        #expect(failures.count == 2 && failures[0].contains("eth7") && failures[1].contains("eth0v9"), "\(failures)")
        let differences = try await next.ownership().drift.differences
        #expect(differences["eth7"] == ["give eth7 2 virtual functions; it has 0"] && differences["eth0"] == nil)
    }

    @Test("a NIC tells how many functions it has, and whose function it is")
    func reports() throws {
        let host = try Host(now: 1)
        try host.addFunction(0, link: "eth0v0")
        let card = try #require(NetworkCard(link: "eth0", sysfs: host.settings.sysfs))
        let expected = VirtualFunctionsReport(device: "pci_0000_05_00_0", count: 1, max: 7)
        #expect(card.report == expected && card.physicalLink == nil)
        let function = try #require(NetworkCard(link: "eth0v0", sysfs: host.settings.sysfs))
        #expect(function.report == nil && function.physicalLink == "eth0")
        #expect(NetworkCard(link: "eth1", sysfs: host.settings.sysfs)?.report == nil)
        for name in ["eth9", "../eth0", ""] { #expect(NetworkCard(link: name, sysfs: host.settings.sysfs) == nil) }
        var nic = NICReport(hwaddr: "", speed: 0, address: AddressReport())
        (nic.musterVirtualFunctions, nic.musterPhysicalFunction) = (expected, "eth8")
        let text = try JSONText.encode(nic)
        #expect(try JSONText.decode(NICReport.self, from: text) == nic)
    }
}
