import AgentWire
import HostModel
import Logging
import SystemPackage
import Testing
import Virtualization

@testable import Agent

/// Guests as the agent answers for them, of libvirt's own test driver: one guest named `test` runs.
@Suite struct GuestWatchTests {
    private static func watch(_ uri: String = "test:///default") -> GuestWatch {
        GuestWatch(uri: uri, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func selection(_ params: [String: JSONValue]) throws -> GuestSelection {
        try GuestSelection(params: .object(params))
    }

    @Test("VDSM's lists: ids, short reports, statistics, definitions") func verbs() async throws {
        let watch = Self.watch()
        #expect(watch.look() == nil)
        let all = try Self.selection(["onlyUUID": .boolean(false)])
        let list = try #require(try watch.list(all).array)
        #expect(list.count == 1)
        #expect(list[0]["vmName"] == .string("test") && list[0]["status"] == .string("Up"))
        let id = try #require(list[0]["vmId"]?.string)
        #expect(try watch.list(try Self.selection([:])) == .array([.string(id)]), "VDSM's default")
        #expect(try watch.list(try Self.selection(["vmList": .array([.string(id.uppercased())])])).array?.count == 1)
        #expect(try watch.list(try Self.selection(["vmList": .array([.string("none")])])) == .array([]))
        #expect(watch.look() == nil)
        let statistics = try #require(try watch.statistics().array?.first)
        #expect(statistics["vmId"] == .string(id) && statistics["monitorResponse"] == .string("0"))
        let definition = try await watch.dumpXML(all)[id]?.string
        #expect(definition?.contains("<name>test</name>") == true)
        #expect(watch.seen.counts == (1, 1))
    }

    @Test("VDSM's list of devices, by kind") func devices() async throws {
        let watch = Self.watch()
        #expect(watch.look() == nil)
        let all = try await watch.devices(try HostDeviceSelection(params: .object([:])))
        #expect(all["computer"]?["params"]?["capability"] == .string("system"))
        let hosts: [String: JSONValue] = ["caps": .array([.string("scsi_host"), .string("no-such-kind")])]
        let chosen = try #require(try await watch.devices(try HostDeviceSelection(params: .object(hosts))).object)
        #expect(!chosen.isEmpty && chosen["computer"] == nil)
        #expect(chosen.values.allSatisfy { $0["params"]?["is_assignable"] == .string("false") })
        for bad in [.string("pci"), .array([.integer(1)])] as [JSONValue] {
            #expect(throws: RPCError.self) { try HostDeviceSelection(params: .object(["caps": bad])) }
        }
    }

    @Test("guests that begin, change and end are told to the engine once; those of before are not")
    func events() throws {
        let before = ["a": "Up", "b": "Up", "c": "Paused", "d": "Down"]
        let now = ["a": "Up", "b": "Paused", "e": "Up"]
        let told = GuestMonitor.changes(from: before, to: now)
        #expect(told.map(\.method) == ["|virt|VM_status|b", "|virt|VM_status|c", "|virt|VM_status|e"])
        #expect(told.compactMap { $0.params["b"]?["status"]?.string } == ["Paused"])
        #expect(told.compactMap { $0.params["c"]?["status"]?.string } == ["Down"])
        #expect(told.allSatisfy { ($0.params["notify_time"]?.integer ?? 0) > 0 })
        #expect(GuestMonitor.changes(from: now, to: now).isEmpty)
    }

    @Test("each look wakes whoever listens, and nobody who has gone") func looks() async throws {
        let watch = Self.watch()
        #expect(watch.statuses == nil)
        var looks = watch.looks().makeAsyncIterator()
        #expect(watch.look() == nil)
        #expect(await looks.next() != nil)
        #expect(watch.statuses?.values.sorted() == ["Up"])
        let gone = Task { for await _ in watch.looks() {} }
        gone.cancel()
        await gone.value
        #expect(watch.look() == nil)
    }

    @Test("a status keeps the time at which it began") func statusTime() throws {
        let watch = Self.watch()
        _ = watch.look()
        let first = watch.seen.since
        _ = watch.look()
        #expect(watch.seen.since == first && first.count == 1)
    }

    @Test("a daemon that is not there is one error, and no guests") func missing() throws {
        let watch = Self.watch("qemu:///system?socket=/nowhere/sock")
        #expect(watch.look() != nil)
        #expect(try watch.list(try Self.selection([:])) == .array([]))
        #expect(watch.seen.counts == (0, 0))
    }

    @Test("capabilities take the machine types and versions that libvirt tells, and stay as they are without it")
    func capabilities() {
        var capabilities = HostCapabilities()
        (capabilities.emulatedMachines, capabilities.cpuFlags) = (["pc"], "vmx,model_kvm64")
        let before = capabilities
        capabilities.fill(HypervisorFacts())
        #expect(capabilities == before)
        var facts = HypervisorFacts()
        (facts.machines, facts.model, facts.libraryVersion) = (["pc", "q35"], "Haswell", "9.0.0")
        capabilities.fill(facts)
        capabilities.fill(facts)
        #expect(capabilities.emulatedMachines == ["pc", "q35"])
        #expect(capabilities.cpuFlags == "vmx,model_kvm64,model_Haswell")
        #expect(capabilities.packages2["libvirt"]?.version == "9.0.0")
    }

    @Test(
        "what is no list of ids is refused",
        arguments: [.string("x"), .array([.integer(1)]), .object([:])] as [JSONValue]
    )
    func malformed(list: JSONValue) {
        #expect(throws: RPCError.self) { try Self.selection(["vmList": list]) }
    }
}
