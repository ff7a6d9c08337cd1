import HostModel
import Testing

@testable import Netlink

/// Starts the tests of the suites below where they may change the network.
@Suite struct KernelNetworkTests {
    @Test("in a namespace of this kernel: bridges, addresses, routes", .disabled(if: NamespaceProgram.isInside))
    func inNamespace() async throws {
        let result = try await NamespaceProgram.run(filter: "NetlinkTests.InsideNamespace")
        #expect(result.isSuccess, "\(result.output)")
        #expect(result.output.contains("Test run with 3 tests"), "\(result.output)")
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
        #expect(before.routes.map(\.description) == ["default via 10.77.0.1 dev eth0"])
        let network = WantedNetwork(name: "ovirtmgmt", southbound: .nic("eth0"), addressing: .dhcp, defaultRoute: true)
        let plan = try plan([network], from: before)
        try await apply(plan.steps)
        let after = try KernelSnapshot.read().state
        #expect(plan.deviations(in: after) == [])
        #expect(after.links["ovirtmgmt"]?.mac == eth0.mac)
        #expect(after.links["ovirtmgmt"]?.kind == .bridge(BridgeOptions(stp: false, forwardDelay: 0)))
        #expect(after.links["ovirtmgmt"]?.addresses == eth0.addresses)
        #expect(after.links["eth0"]?.master == "ovirtmgmt")
        #expect(after.links["eth0"]?.takesIPv6 == false)
        #expect(after.links["eth0"]?.ipv6Addresses == [])
        #expect(after.routes.map(\.description) == ["default via 10.77.0.1 dev ovirtmgmt"])
        try await apply(plan.undo)
        let restored = try KernelSnapshot.read().state
        #expect(restored.links["ovirtmgmt"] == nil)
        #expect(restored.links["eth0"]?.addresses == eth0.addresses)
        #expect(restored.links["eth0"]?.takesIPv6 == true)
        #expect(restored.routes == before.routes)
    }

    @Test("spanning tree, MTU and a change of them")
    func bridgeOptions() async throws {
        let kernel = try KernelNetwork.open()
        let stp = BridgeOptions(stp: true)
        for step: NetworkStep in [
            .createBridge(name: "br-stp", mac: MACAddress("52:54:00:00:00:77"), options: stp),
            .setMTU(link: "br-stp", mtu: 1400), .setUp(link: "br-stp", isUp: true),
        ] { #expect(try kernel.apply(step)) }
        let link = try #require(try KernelSnapshot.read().state.links["br-stp"])
        #expect(link.kind == .bridge(BridgeOptions(stp: true, forwardDelay: 2)))
        #expect((link.mtu, link.isUp, link.mac) == (1400, true, MACAddress("52:54:00:00:00:77")))
        #expect(try kernel.apply(.setBridgeOptions(name: "br-stp", options: BridgeOptions())))
        #expect(try KernelSnapshot.read().state.links["br-stp"]?.kind == .bridge(BridgeOptions()))
    }

    @Test("refusals have causes; steps that are not the kernel's are left alone")
    func refusals() async throws {
        let kernel = try KernelNetwork.open()
        func cause(_ step: NetworkStep) -> NetlinkError.Cause? {
            do throws(NetlinkError) { _ = try kernel.apply(step) } catch { return error.cause }
            return nil
        }
        #expect(cause(.setUp(link: "nope", isUp: true)) == .missing)
        #expect(cause(.createBridge(name: "lo", mac: nil, options: BridgeOptions())) == .exists)
        let address = try #require(IPv4Network("127.9.9.9/8"))
        #expect(cause(.addAddress(link: "lo", address: address)) == nil)
        #expect(cause(.addAddress(link: "lo", address: address)) == .exists)
        #expect(cause(.removeAddress(link: "lo", address: address)) == nil)
        #expect(cause(.removeAddress(link: "lo", address: address)) == .missing)
        #expect(try !kernel.apply(.startDHCP(link: "lo")))
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
        #expect(plan.deviations(in: after) == [])
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
        owned: [:],
        state: state
    )
    return NetworkPlan.change(change, owned: [:], from: state)
}

private func apply(_ steps: [NetworkStep]) async throws {
    let kernel = try KernelNetwork.open()
    for step in steps { _ = try kernel.apply(step) }
}
