import AgentWire
import HostModel
import Netlink
import SystemPackage
import Testing

@testable import Agent

/// NUMA nodes, storage adapters and hooks in a tree that is made for the test, in sysfs's form.
@Suite struct HostTopologyTests {
    private let temporary = TemporaryDirectory()

    private func write(_ files: [String: String]) throws {
        for (path, text) in files {
            let file = FilePath(path)
            let folder = try temporary.directory(file.removingLastComponent().string)
            let isProgram = path.hasSuffix(".py")
            let permissions: FilePermissions = isProgram ? [.ownerReadWriteExecute] : [.ownerReadWrite]
            try folder.write(Array(text.utf8), to: file.lastComponent?.string ?? "", permissions: permissions)
        }
    }

    private var inventory: HostInventory { HostInventory(root: temporary.path) }

    private static let node = "sys/devices/system/node/node"

    private func twoNodes() throws {
        try write([
            "proc/cpuinfo": (0..<4).map { "processor : \($0)\nphysical id : \($0 / 2)\ncore id : \($0 % 2)\n" }
                .joined(),
            "proc/meminfo": "MemTotal: 4194304 kB\nHugepagesize: 2048 kB\n",
            "proc/stat": "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu3 1 1 1 1\nbtime 7\n",
            Self.node + "0/cpulist": "0-1\n", Self.node + "1/cpulist": "2,3\n",
            Self.node + "0/meminfo": "Node 0 MemTotal: 2097152 kB\nNode 0 MemFree: 524288 kB\n",
            Self.node + "1/meminfo": "Node 1 MemTotal: 1048576 kB\nNode 1 MemFree: 1048576 kB\n",
            Self.node + "0/distance": "10 21\n", Self.node + "1/distance": "21 10\n",
            Self.node + "0/hugepages/hugepages-2048kB/nr_hugepages": "16\n",
            "sys/devices/system/cpu/cpu3/topology/die_id": "1\n",
            "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "16\n",
            "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "5\n",
            "sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages": "0\n",
        ])
    }

    @Test("two nodes: their processors, memory, distances and huge pages") func nodes() async throws {
        try twoNodes()
        let capabilities = inventory.capabilities(
            OwnedHere(NetworkOwnership()),
            try KernelSnapshot.read(),
            client: nil
        )
        #expect(
            capabilities.numaNodes == [
                "0": .init(cpus: [0, 1], totalMemory: "2048", hugepages: ["2048": .init(totalPages: 16)]),
                "1": .init(cpus: [2, 3], totalMemory: "1024"),
            ]
        )
        #expect(capabilities.numaNodeDistance == ["0": [10, 21], "1": [21, 10]])
        #expect(capabilities.hugepages == [2048, 1_048_576])
        #expect(capabilities.cpuTopology.map(\.numa_cell_id) == [0, 0, 1, 1])
        #expect(capabilities.cpuTopology.map(\.die_id) == [0, 0, 0, 1])
        let statistics = try await HostStatisticsSampler(inventory).sample(isDirty: false)
        #expect(
            statistics.numaNodeMemFree == [
                "0": .init(memFree: "512", memPercent: 75), "1": .init(memFree: "1024", memPercent: 0),
            ]
        )
        #expect(statistics.cpuStatistics["3"]?.nodeIndex == 1)
        let pages = statistics.hugepages.mapValues { [$0.nr_hugepages, $0.free_hugepages] }
        #expect(pages == ["2048": [16, 5], "1048576": [0, 0]])
    }

    @Test("a hundred engines that ask see one reading; a change of what is asked for is told at once")
    func oneReading() async throws {
        let (sampler, start) = (HostStatisticsSampler(HostInventory()), ContinuousClock.now)
        let question = HostStatisticsSampler.Question(isDirty: false)
        let first = try await sampler.answer(to: question, now: start)
        // The second's fraction that a reading was made at is in it.
        let held = start + HostStatisticsSampler.freshness - .milliseconds(1)
        #expect(try await sampler.answer(to: question, now: held) == first)
        let other = try await sampler.answer(to: .init(isDirty: true, guests: 3, activeGuests: 2), now: held)
        let told = try JSONText.decode(HostStatistics.self, from: try JSONText.encode(other))
        #expect(told.netConfigDirty == "True" && (told.vmCount, told.vmActive) == (3, 2))
        let late = held + HostStatisticsSampler.freshness
        let next = try await sampler.answer(to: .init(isDirty: true, guests: 3, activeGuests: 2), now: late)
        #expect(next != other)
    }

    @Test("a kernel without NUMA is one node") func oneNode() async throws {
        try write(["proc/cpuinfo": "processor : 0\n", "proc/meminfo": "MemTotal: 2048 kB\nMemFree: 1024 kB\n"])
        let capabilities = inventory.capabilities(
            OwnedHere(NetworkOwnership()),
            try KernelSnapshot.read(),
            client: nil
        )
        #expect(capabilities.numaNodes == ["0": .init(cpus: [0], totalMemory: "2")])
        #expect(capabilities.numaNodeDistance == ["0": [10]])
        let statistics = try await HostStatisticsSampler(inventory).sample(isDirty: false)
        #expect(statistics.numaNodeMemFree == ["0": .init(memFree: "1", memPercent: 50)])
    }

    @Test(
        "the kernel's lists of processors, and what is none",
        arguments: [
            ("0", [0]), ("0-3", [0, 1, 2, 3]), ("0,2-3,7", [0, 2, 3, 7]), ("", []), ("3-1", []), ("-", []), ("a-b", []),
            ("0-99999999", []), ("1,,2", [1, 2]), ("-5", []), ("9223372036854775808", []),
        ]
    )
    func lists(text: String, cpus: [Int]) { #expect(HostTopology.cpuList(text) == cpus) }

    @Test("Fibre Channel ports, the initiator's name, and hooks with their checksums") func adapters() throws {
        try write([
            "sys/class/fc_host/host3/port_name": "0x1000000000000001\n",
            "sys/class/fc_host/host3/node_name": "0x2000000000000001\n",
            "sys/class/fc_host/host3/symbolic_name": "QLE2692 FW:v9\n",
            "etc/iscsi/initiatorname.iscsi": "# made\nInitiatorName=iqn.1994-05.com.example:1\n",
            "usr/libexec/vdsm/hooks/before_vm_start/50_hello.py": "hello",
            "usr/libexec/vdsm/hooks/before_vm_start/notes.txt": "no program",
        ])
        let capabilities = inventory.capabilities(
            OwnedHere(NetworkOwnership()),
            try KernelSnapshot.read(),
            client: nil
        )
        #expect(capabilities.ISCSIInitiatorName == "iqn.1994-05.com.example:1")
        #expect(capabilities.HBAInventory.iSCSI == [.init(InitiatorName: "iqn.1994-05.com.example:1")])
        let port = HostCapabilities.HBAInventory.FibreChannel(
            model: "QLE2692 FW:v9",
            wwpn: "1000000000000001",
            wwnn: "2000000000000001"
        )
        #expect(capabilities.HBAInventory.FC == [port])
        // md5sum of "hello".
        #expect(
            capabilities.hooks
                == ["before_vm_start": ["50_hello.py": .init(checksum: "5d41402abc4b2a76b9719d911017c592")]]
        )
    }
}
