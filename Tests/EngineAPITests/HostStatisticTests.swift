import AgentWire
import HostModel
import Testing

@testable import EngineAPI

/// What a host's figures are as oVirt's statistics (ovirt.md 4.7).
@Suite struct HostStatisticTests {
    private static let host = ResourceLink(id: "h", href: "/hosts/h")

    @Test("oVirt's names, ids, kinds and units; what the host does not say is not there")
    func ofHosts() throws {
        var figures = HostFigures()
        (figures.memoryFree, figures.swapTotal, figures.userPercent) = (1024, 10, 1.5)
        (figures.load, figures.bootTime) = (0.07, 1_700_000_000)
        figures.hugePages = [.init(size: 2048, total: 8, free: 3), .init(size: 1_048_576, total: 0)]
        let all = HostStatisticList(figures, memory: 4096).all(of: Self.host, at: "/hosts/h/statistics")
        let data = Dictionary(all.map { ($0.name, $0.values.value.map(\.datum)) }) { first, _ in first }
        #expect(
            data == [
                "memory.total": ["4294967296"], "memory.free": ["1073741824"], "memory.used": ["3221225472"],
                "swap.total": ["10485760"], "cpu.current.user": ["1.500"], "cpu.load.avg.5m": ["0.070"],
                "boot.time": ["1700000000"], "hugepages.2048.free": ["3"], "hugepages.2048.total": ["8"],
                "hugepages.1048576.total": ["0"],
            ]
        )
        let total = try #require(all.first)
        #expect(total.id == "7816602b-c05c-3db7-a4da-3769f7ad8896", "as in oVirt's documentation")
        #expect(total.href == "/hosts/h/statistics/\(total.id)" && total.host == Self.host)
        #expect(total.kind == .gauge && total.unit == .bytes && total.type == .integer)
        #expect(HostStatisticList(HostFigures(), memory: nil).all(of: Self.host, at: "/").isEmpty)
    }

    @Test("memory that no machine has is not shown, and numbers are written out", arguments: [Int.min, -1, .max])
    func hostile(memory: Int) {
        var figures = HostFigures()
        (figures.memoryFree, figures.userPercent) = (1, 2e-5)
        let all = HostStatisticList(figures, memory: memory).all(of: Self.host, at: "/")
        #expect(all.map(\.name) == ["memory.free", "cpu.current.user"])
        #expect(all.last?.values.value.map(\.datum) == ["0"])
    }

    @Test("a nic has its totals at once, and its rates once there are two readings")
    func ofNICs() {
        var link = HostFigures.Link(name: "eth0")
        (link.receivedBytes, link.sendErrors) = (7, 2)
        let nic = ResourceLink(id: "eth0", href: "/hosts/h/nics/eth0")
        func data() -> [String: String] {
            let all = link.statistics(of: nic, on: Self.host, at: "/hosts/h/nics/eth0/statistics")
            return Dictionary(all.map { ($0.name, $0.values.value[0].datum) }) { first, _ in first }
        }
        #expect(data() == ["data.total.rx": "7", "data.total.tx": "0", "errors.total.rx": "0", "errors.total.tx": "2"])
        (link.receiveRate, link.sendRate) = (1.25e7, 0.5)
        #expect(data()["data.current.rx"] == "12500000" && data()["data.current.tx.bps"] == "4")
        #expect(data()["data.current.tx"] == "0.500" && data().count == 8)
    }

    @Test func versionsOfPackages() {
        let found = HostResource.PackageVersion("libvirt", "9.10.2-3.el9")
        #expect(found.full_version == "libvirt-9.10.2-3.el9")
        #expect([found.major, found.minor, found.build, found.revision] == ["9", "10", "2", nil])
        #expect(HostResource.PackageVersion("x", "odd").major == nil)
    }
}
