import AgentWire
import GRDB
import HostModel
import Testing

@testable import Engine

/// oVirt's rules (ovirt.md 1.4), each broken alone and in their order.
@Suite struct HostFitnessTests {
    static func network(_ name: String, isRequired: Bool = true, isVM: Bool = true) -> NetworkRecord {
        NetworkRecord(
            id: .random(),
            name: name,
            description: "",
            dataCenter: .random(),
            mtu: 0,
            vlan: nil,
            usages: isVM ? ["vm"] : [],
            isRequired: isRequired
        )
    }

    static let cluster = ClusterDemands(networks: [
        network("ovirtmgmt"), network("spare", isRequired: false), network("other", isRequired: false, isVM: false),
    ])

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var reason: NonOperationalReason?
        var isUp = false
        var cluster = HostFitnessTests.cluster
        var change: @Sendable (inout HostFitness, inout ClusterDemands) -> Void = { _, _ in }

        init(
            _ testDescription: String,
            _ reason: NonOperationalReason?,
            isUp: Bool = false,
            change: @escaping @Sendable (inout HostFitness, inout ClusterDemands) -> Void = { _, _ in }
        ) {
            (self.testDescription, self.reason, self.isUp, self.change) = (testDescription, reason, isUp, change)
        }
    }

    @Test(arguments: [
        Case("fit", nil),
        Case("an optional network is missing", nil) { host, _ in host.networks["other"] = false },
        Case("no network and no KVM: the network comes first", .networkUnreachable) { host, _ in
            (host.networks, host.hasKVM) = ([:], false)
        },
        Case("the agent does not know its networks at the moment", nil) { host, _ in
            (host.networks, host.areNetworksKnown) = ([:], false)
        },
        Case("bridgeless", .vmNetworkIsBridgeless) { host, _ in host.networks["ovirtmgmt"] = false },
        Case("bridgeless on a host that is up", .vmNetworkIsBridgeless, isUp: true) { host, _ in
            host.networks["ovirtmgmt"] = false
        },
        Case("no KVM", .kvmNotRunning) { host, _ in host.hasKVM = false },
        Case("no KVM on a host that is up", nil, isUp: true) { host, _ in host.hasKVM = false },
        Case("no flags", .cpuTypeIncompatible) { host, _ in host.flags = [] },
        Case("no nx", .cpuTypeIncompatible) { host, _ in host.flags.remove("nx") },
        Case("a weaker processor and no KVM: the processor comes first", .cpuTypeIncompatible) { host, cluster in
            (host.hasKVM, cluster.cpu) = (false, "Nehalem")
        },
        Case("the cluster's processor", nil) { host, cluster in
            host.flags.insert("model_Nehalem")
            cluster.cpu = "Nehalem"
        },
        Case("another architecture", .architectureIncompatible) { host, cluster in
            (host.flags, cluster.architecture) = (["asimd"], .x86)
        },
        Case("another architecture in a cluster of nobody", nil) { host, _ in host.flags = ["asimd"] },
        Case("an agent for other engines", .versionIncompatible) { host, _ in host.engines = ["4.4"] },
        Case("an agent for other levels", .clusterVersionIncompatible) { host, _ in host.levels = ["4.2"] },
        Case("no QEMU in a cluster that has decided nothing", nil) { host, _ in host.emulatedMachines = [] },
        Case("no QEMU in a cluster of q35", .emulatedMachinesIncompatible) { host, cluster in
            (host.emulatedMachines, cluster.emulatedMachine) = ([], "q35")
        },
        Case("a versioned q35 in a cluster of q35", nil) { host, cluster in
            (host.emulatedMachines, cluster.emulatedMachine) = (["pc-q35-rhel8.6.0"], "q35")
        },
        Case("no machine type of the level", .emulatedMachinesOfLevel) { host, _ in host.emulatedMachines = ["isapc"] },
        Case("no random numbers", .rngSources) { host, _ in host.rngSources = ["hwrng"] },
        Case("no hardware random numbers where they are asked for", .rngSources) { _, cluster in
            cluster.rngSources = ["hwrng"]
        },
    ])
    func findsTheFirstReason(_ sample: Case) {
        var host = HostFitness(TestAgent.withManagementNetwork(TestAgent.freshHost))
        var cluster = Self.cluster
        sample.change(&host, &cluster)
        #expect(host.firstUnfitness(in: cluster, isUp: sample.isUp)?.reason == sample.reason)
    }

    /// As the agent reports a guest of QEMU's `-cpu max` in software emulation, as in the demo.
    @Test func theDefaultClusterTakesAnEmulatedGuest() {
        var host = TestAgent.withManagementNetwork(TestAgent.freshHost)
        host.cpuFlags =
            "fpu,de,pse,tsc,msr,pae,cx8,apic,nx,lm,svm,sse4_2,popcnt,avx2,model_qemu64,model_kvm64,model_Nehalem"
        (host.supportedENGINEs, host.clusterLevels) = (["4.2", "4.5", "4.7"], ["4.2", "4.7", "4.8"])
        (host.rngSources, host.emulatedMachines) = (["random", "hwrng"], [])
        #expect(HostFitness(host).firstUnfitness(in: Self.cluster, isUp: false) == nil)
    }

    @Test func theFirstHostDecidesForTheCluster() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        var hosts: [UniqueID] = []
        for name in ["first", "second"] {
            let enrolment = try await TestNode(name: name).enrol(with: engine)
            hosts.append(enrolment.host)
        }
        var fitness = HostFitness(TestAgent.withManagementNetwork(TestAgent.freshHost))
        fitness.emulatedMachines = ["pc-q35-7.2", "pc"]
        #expect(try await engine.store.judge(hosts[0], fitness, isUp: false).unfitness == nil)
        fitness.emulatedMachines = ["pc"]
        #expect(
            try await engine.store.judge(hosts[1], fitness, isUp: false).unfitness == nil,
            "the first is not up yet"
        )
        fitness.emulatedMachines = ["q35"]
        #expect(try await engine.store.judge(hosts[0], fitness, isUp: false).unfitness == nil)
        try await engine.store.write { try $0.execute(sql: "UPDATE host SET status = 'up' WHERE name = 'first'") }
        fitness.emulatedMachines = ["pc"]
        let second = try await engine.store.judge(hosts[1], fitness, isUp: false).unfitness
        #expect(second?.reason == .emulatedMachinesIncompatible)
    }
}
