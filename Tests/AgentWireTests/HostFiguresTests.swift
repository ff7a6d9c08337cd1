import AgentWire
import NIOCore
import Testing

/// What an engine keeps of `getStats`.
@Suite struct HostFiguresTests {
    private static func figures(_ change: (inout HostStatistics) -> Void) throws -> HostFigures {
        var statistics = HostStatistics()
        change(&statistics)
        return try HostFigures(text: try JSONText.encode(statistics))
    }

    private static func link(_ name: String, rx: String, at time: Double) -> HostStatistics.LinkCounters {
        var link = HostStatistics.LinkCounters(name: name, state: "up", speed: "1000", duplex: "full", sampleTime: time)
        (link.rx, link.tx, link.rxErrors) = (rx, "9", "2")
        return link
    }

    @Test("numbers are read as texts and as numbers; what is no number, or not there, is not known")
    func reading() throws {
        let found = try Self.figures { report in
            (report.cpuUser, report.cpuSys, report.cpuLoad) = ("12.50", "x", "0.07")
            (report.memFree, report.swapTotal, report.vmActive, report.bootTime) = (4096, -1, 3, "1700000000")
            (report.ksmState, report.thpState) = (true, "madvise")
            report.hugepages = ["2048": .init(nr_hugepages: 8, free_hugepages: 3)]
            report.network = ["eth1": Self.link("eth1", rx: "18446744073709551615", at: 5)]
            report.network["eth0"] = Self.link("eth0", rx: "nonsense", at: 5)
        }
        #expect(found.userPercent == 12.5 && found.systemPercent == nil && found.load.map { "\($0)" } == "0.07")
        #expect(found.memoryFree == 4096 && found.swapTotal == nil && found.activeGuests == 3)
        #expect(found.bootTime == 1_700_000_000 && found.isKSMRunning == true && found.hasHugePages == true)
        #expect(found.links.map(\.name) == ["eth0", "eth1"] && found.sampled == 5)
        #expect(found.links.map(\.receivedBytes) == [0, .max] && found.links.map(\.receiveErrors) == [2, 2])
        #expect(found.hugePages == [.init(size: 2048, total: 8, free: 3)])
        #expect(try HostFigures(text: ByteBuffer(string: #"{"network": 7, "cpuUser": {}}"#)) == HostFigures())
        for bad in ["", "[]", "{", #"{"memFree": 1} x"#] {
            #expect(throws: (any Error).self) { try HostFigures(text: ByteBuffer(string: bad)) }
        }
    }

    @Test("a host that names links without end, or with names that no link has, costs no more than others")
    func limits() throws {
        let found = try Self.figures { report in
            for number in 0..<HostFigures.linksMax * 2 {
                report.network["l\(number)"] = Self.link("l\(number)", rx: "1", at: 1)
            }
            for size in 1...20 { report.hugepages["\(size)"] = .init(nr_hugepages: 1, free_hugepages: 1) }
            for size in ["-1", "0", "x", "99999999999"] {
                report.hugepages[size] = .init(nr_hugepages: 1, free_hugepages: 1)
            }
            report.network["a-name-of-sixteen"] = Self.link("a-name-of-sixteen", rx: "1", at: 1)
        }
        #expect(found.links.count == HostFigures.linksMax)
        #expect(found.hugePages.count == HostFigures.hugePagesMax && found.hugePages.allSatisfy { $0.size > 0 })
        #expect(MemoryLayout<HostFigures.Link>.stride <= 64 && MemoryLayout<HostFigures>.stride <= 168)
    }

    @Test("rates come of two readings of different moments; a counter that began anew has none")
    func rates() throws {
        func reading(_ bytes: String, at time: Double) throws -> HostFigures {
            try Self.figures { $0.network = ["eth0": Self.link("eth0", rx: bytes, at: time)] }
        }
        let first = try reading("1000", at: 10)
        #expect(first.links[0].receiveRate == nil)
        var second = try reading("4000", at: 12)
        second.setRates(since: first)
        #expect(second.links[0].receiveRate == 1500 && second.links[0].sendRate == 0)
        var same = try reading("4000", at: 12)
        same.setRates(since: second)
        #expect(same == second, "an agent keeps its reading for some seconds")
        var anew = try reading("10", at: 14)
        anew.setRates(since: same)
        #expect(anew.links[0].receiveRate == nil && anew.links[0].sendRate == 0)
        var back = try reading("90", at: 3)
        back.setRates(since: anew)
        #expect(back.links[0].receiveRate == nil)
    }
}
