import HostModel
import Testing

@testable import Netlink

/// Starts the tests of the suites below where they may change the network.
@Suite struct KernelNetworkTests {
    @Test("in a namespace of this kernel: bridges, addresses, routes", .disabled(if: NamespaceProgram.isInside))
    func inNamespace() async throws {
        let result = try await NamespaceProgram.run(filter: "NetlinkTests.InsideNamespace")
        #expect(result.isSuccess, "\(result.output)")
        #expect(result.output.contains("Test run with 5 tests"), "\(result.output)")
    }

    @Test("under a kernel with 802.1Q", .disabled(if: NamespaceProgram.isInside))
    func inLab() async throws {
        let result = try await NamespaceProgram.runInLab(filter: "NetlinkTests.InsideLab")
        #expect(result.isSuccess, "\(result.output)")
        #expect(result.output.contains("Test run with 1 test"), "\(result.output)")
    }
}

@Suite(.enabled(if: NamespaceProgram.isInside), .serialized) struct InsideNamespace {
    @Test("ovirtmgmt over a NIC with an address: the plan is in the kernel, and the undo leads back")
    func managementBridge() async throws {
        try await ip("link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
        try await ip("link", "set", "peer0", "up")
        try await ip("link", "set", "eth0", "up")
        try await ip("address", "add", "10.77.0.5/24", "dev", "eth0")
        try await ip("address", "add", "10.77.0.6/24", "dev", "eth0")
        try await ip("route", "add", "default", "via", "10.77.0.1")
        let before = try KernelSnapshot.read().state
        let eth0 = try #require(before.links["eth0"])
        #expect(eth0.addresses.map(\.description) == ["10.77.0.5/24", "10.77.0.6/24"])
        #expect(before.routes.all.map(\.description) == ["default via 10.77.0.1 dev eth0"])
        let network = WantedNetwork(name: "ovirtmgmt", southbound: .nic("eth0"), addressing: .dhcp, defaultRoute: true)
        let plan = try plan([network], from: before)
        try await apply(plan.steps)
        let after = try KernelSnapshot.read().state
        #expect(plan.deviations(in: after).filter(KernelNetwork.takes) == [])
        #expect(after.links["ovirtmgmt"]?.mac == eth0.mac)
        #expect(after.links["ovirtmgmt"]?.kind == .bridge(BridgeOptions(stp: false, forwardDelay: 0)))
        #expect(after.links["ovirtmgmt"]?.addresses == eth0.addresses)
        #expect(after.links["eth0"]?.master == "ovirtmgmt")
        #expect(after.links["eth0"]?.takesIPv6 == false)
        #expect(after.links["eth0"]?.ipv6Addresses == [])
        #expect(after.routes.all.map(\.description) == ["default via 10.77.0.1 dev ovirtmgmt"])
        try await apply(plan.undo)
        let restored = try KernelSnapshot.read().state
        #expect(restored.links["ovirtmgmt"] == nil)
        #expect(restored.links["eth0"]?.addresses == eth0.addresses)
        #expect(restored.links["eth0"]?.takesIPv6 == true)
        #expect(restored.routes == before.routes)
    }

    @Test("spanning tree, MTU and a change of them")
    func bridgeOptions() async throws {
        var kernel = try KernelNetwork.open()
        let stp = BridgeOptions(stp: true, forwardDelay: 200, values: ["priority": 4096])
        try kernel.apply([
            .createBridge(name: "br-stp", mac: MACAddress("52:54:00:00:00:77"), mtu: 1400, options: stp),
            .setUp(link: "br-stp", isUp: true),
        ])
        let link = try #require(try KernelSnapshot.read().state.links["br-stp"])
        #expect(link.kind == .bridge(stp))
        #expect((link.mtu, link.isUp, link.mac) == (1400, true, MACAddress("52:54:00:00:00:77")))
        let plain = BridgeOptions(values: ["multicast_snooping": 0])
        try kernel.apply([.setBridgeOptions(name: "br-stp", from: stp, to: plain)])
        #expect(try KernelSnapshot.read().state.links["br-stp"]?.kind == .bridge(plain))
        try kernel.apply([.setBridgeOptions(name: "br-stp", from: plain, to: stp)])
        #expect(try KernelSnapshot.read().state.links["br-stp"]?.kind == .bridge(stp))
    }

    @Test(
        "F21: the monitor's buffer runs over (ENOBUFS) while nobody reads: the loss is a call to look, and the look is true"
    )
    func overrun() async throws {
        let monitor = try NetlinkMonitor()
        var kernel = try KernelNetwork.open()
        // Far more than the buffer keeps: each change is told with all of the link.
        try kernel.apply((0..<200).map { .createBridge(name: "o\($0)", mac: nil, mtu: 1500, options: BridgeOptions()) })
        try kernel.apply(
            (0..<200).flatMap { [.setUp(link: "o\($0)", isUp: true), .setUp(link: "o\($0)", isUp: false)] }
        )
        try kernel.apply((0..<100).map { .deleteLink(name: "o\($0)") })
        #expect(monitor.awaitChange())
        let links = try KernelSnapshot.readLinks().state.links
        #expect((0..<200).allSatisfy { (links["o\($0)"] != nil) == ($0 >= 100) })
        try kernel.apply((100..<200).map { .deleteLink(name: "o\($0)") })
        var changes = monitor.changes().makeAsyncIterator()
        #expect(await changes.next() != nil, "it goes on after a loss")
        monitor.stop()
        #expect(!monitor.awaitChange())
    }

    @Test("F21: a dump that is disturbed (NLM_F_DUMP_INTR) is repeated: what does not change is in every one")
    func disturbedDump() async throws {
        var kernel = try KernelNetwork.open()
        try kernel.apply((0..<300).map { .createBridge(name: "s\($0)", mac: nil, mtu: 1500, options: BridgeOptions()) })
        let flapping = Task.detached {
            var other = try KernelNetwork.open()
            while !Task.isCancelled {
                try other.apply([.createBridge(name: "flap", mac: nil, mtu: 1500, options: BridgeOptions())])
                try other.apply([.deleteLink(name: "flap")])
                // Ended by being cancelled, which is no fault.
                try? await Task.sleep(for: .milliseconds(2))
            }
        }
        for _ in 0..<50 {
            let links = try KernelSnapshot.readLinks().state.links
            #expect((0..<300).allSatisfy { links["s\($0)"] != nil })
        }
        flapping.cancel()
        try await flapping.value
        try kernel.apply((0..<300).map { .deleteLink(name: "s\($0)") })
    }

    @Test("refusals have causes; steps that are not the kernel's are left alone")
    func refusals() async throws {
        func failure(_ steps: NetworkStep...) -> NetlinkError? {
            do throws(NetlinkError) {
                var kernel = try KernelNetwork.open()
                try kernel.apply(steps)
            } catch {
                return error
            }
            return nil
        }
        #expect(failure(.setUp(link: "nope", isUp: true))?.cause == .missing)
        let bridge = NetworkStep.createBridge(name: "lo", mac: nil, mtu: 1500, options: BridgeOptions())
        #expect(failure(bridge)?.cause == .exists)
        let address = try #require(IPNetwork("127.9.9.9/8"))
        #expect(failure(.addAddress(link: "lo", address: address)) == nil)
        #expect(failure(.addAddress(link: "lo", address: address)) == nil, "it is there, which is what was asked for")
        #expect(failure(.removeAddress(link: "lo", address: address)) == nil)
        #expect(failure(.removeAddress(link: "lo", address: address))?.cause == .missing)
        let wrong = NetworkStep.setMaster(link: "lo", master: "lo")
        let second = failure(.setUp(link: "lo", isUp: true), wrong, bridge)
        #expect(second?.operation == wrong.description, "\(second as Any)")
        #expect(!KernelNetwork.takes(.startDHCP(link: "lo")))
    }
}

@Suite(.enabled(if: NamespaceProgram.isInside)) struct InsideLab {
    @Test func bridgedVLAN() async throws {
        try await ip("link", "add", "eth0", "type", "dummy")
        try await ip("link", "set", "eth0", "up")
        let before = try KernelSnapshot.read().state
        let network = WantedNetwork(name: "storage", southbound: .nic("eth0"), vlan: 12, mtu: 9000)
        let plan = try plan([network], from: before)
        try await apply(plan.steps)
        let after = try KernelSnapshot.read().state
        #expect(plan.deviations(in: after).filter(KernelNetwork.takes) == [])
        #expect(after.links["eth0.12"]?.kind == .vlan(base: "eth0", id: 12))
        #expect(after.links["eth0.12"]?.master == "storage")
        #expect(after.links["eth0"]?.mtu == 9000)
        try await apply(plan.undo)
        let restored = try KernelSnapshot.read().state
        #expect(restored.links["eth0.12"] == nil)
        #expect(restored.links["eth0"]?.mtu == 1500)
    }
}

private func ip(_ arguments: String...) async throws { try await NamespaceProgram.command("ip", arguments) }

private func plan(_ wanted: [WantedNetwork], from state: NetworkState) throws -> NetworkPlan {
    let attributes = wanted.map { network -> (String, NetworkAttributes) in
        var values: [String: AttributeValue] = ["mtu": .text("\(network.mtu)")]
        values["nic"] = network.southbound.map { .text($0.link) }
        values["vlan"] = network.vlan.map { .text("\($0)") }
        values["bootproto"] = network.addressing == .dhcp ? "dhcp" : "none"
        values["defaultRoute"] = network.defaultRoute ? "true" : "false"
        return (network.name, NetworkAttributes(values))
    }
    let change = try NetworkChange(
        networks: Dictionary(uniqueKeysWithValues: attributes),
        bondings: [:],
        owned: OwnedNetworks(),
        state: state
    )
    return NetworkPlan.change(change, owned: OwnedNetworks(), from: state)
}

private func apply(_ steps: [NetworkStep]) async throws {
    var kernel = try KernelNetwork.open()
    try kernel.apply(steps.filter(KernelNetwork.takes))
}
