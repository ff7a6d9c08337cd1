import HostModel
import Testing

@Suite struct DiskSelectorTests {
    private static func disk(
        _ name: String,
        serial: String,
        gibibytes: Int64 = 100,
        bus: String = "sata",
        _ change: (inout DiskReport) -> Void = { _ in }
    ) -> DiskReport {
        var disk = DiskReport(name: name, bytes: gibibytes << 30)
        (disk.serial, disk.bus, disk.model) = (serial, bus, "Model X")
        (disk.wwn, disk.byID) = ("0x5000\(serial.lowercased())", "ata-Model_X_\(serial)")
        change(&disk)
        return disk
    }

    private static let machine = [
        disk("sda", serial: "A1", gibibytes: 100),
        disk("sdb", serial: "B2", gibibytes: 400),
        disk("nvme0n1", serial: "C3", gibibytes: 400, bus: "nvme"),
        disk("sdc", serial: "D4") { $0.removable = true },
        disk("sdd", serial: "E5") { $0.inUse = true },
    ]

    @Test(
        "F24: at the start a rule waits until no disk comes any more; a name does not",
        arguments: [
            // A selector, when the quick and the slow disk turn up, and when a disk may be chosen.
            ("rule:size>=300G", 0, 5, nil), ("rule:bus=nvme", 0, 5, 5 + DiskWait.quietSeconds),
            ("rule:only", 1, nil, 1 + DiskWait.quietSeconds), ("serial=C3", 2, 5, 2), ("serial=B2", 0, 7, 7),
        ] as [(String, Int, Int?, Int?)]
    )
    func waiting(text: String, fast: Int, slow: Int?, chosen: Int?) throws {
        var wait = DiskWait(for: try DiskSelector(parsing: text))
        var over: Int?
        for second in 0..<60 where over == nil {
            let quick = second >= fast ? [Self.machine[2]] : []
            let late = slow.map { second >= $0 } == true ? [Self.machine[1]] : []
            if wait.isOver(quick + late, at: second) { over = second }
        }
        #expect(over == chosen)
    }

    @Test(
        "F24: a name or a rule that fits one disk chooses it, in whatever order the disks turn up",
        arguments: [
            ("serial=A1", "sda"), ("wwn=0x5000B2", "sdb"), ("ata-Model_X_C3", "nvme0n1"),
            ("/dev/disk/by-id/ata-Model_X_A1", "sda"), ("id=ata-Model_X_A1", "sda"), ("rule:bus=nvme", "nvme0n1"),
            ("bus=nvme", "nvme0n1"), ("rule:size<=200G", "sda"), ("rule:bus=sata,size>=200G", "sdb"),
            ("rule:bus=sata, size>=300GiB,size<=500G", "sdb"), ("serial=C3,bus=nvme", "nvme0n1"),
        ]
    )
    func oneDiskIsChosen(text: String, name: String) throws {
        let selector = try DiskSelector(parsing: text)
        #expect(try selector.choose(from: Self.machine).name == name)
        #expect(try selector.choose(from: Self.machine.reversed()).name == name)
    }

    @Test(
        "F24: a hint that fits none or two stops and shows the candidates",
        arguments: [
            ("serial=A", 5), ("serial=", nil), ("wwn=0x5000", 5), ("ata-Model_X", 5), ("sda", 5), ("rule:bus=sas", 5),
            ("rule:only", 3), ("only", 3), ("rule:size>=200G", 2), ("rule:model=Model X", 3), ("rule:size>=1T", 5),
        ] as [(String, Int?)]
    )
    func noneOrTwoStop(text: String, shown: Int?) {
        #expect {
            try DiskSelector(parsing: text).choose(from: Self.machine)
        } throws: { error in
            switch error as? DiskSelector.Refusal {
            case .malformed?: shown == nil
            case .noMatch(let disks)?, .ambiguous(let disks)?:
                disks.count == shown && disks.allSatisfy { "\(error)".contains("serial \($0.serial), wwn \($0.wwn)") }
            case .notCandidate?, nil: false
            }
        }
    }

    @Test(
        "F24: removable disks and those in use are never chosen, not even by name",
        arguments: ["serial=D4", "ata-Model_X_E5", "wwn=0x5000e5"]
    )
    func neverChosen(text: String) {
        #expect {
            try DiskSelector(parsing: text).choose(from: Self.machine)
        } throws: {
            if case .notCandidate? = $0 as? DiskSelector.Refusal { true } else { false }
        }
    }

    @Test("F24: without udev's uniqueness: two disks of the same serial number are two")
    func twins() throws {
        let twins = [Self.disk("sda", serial: "A1"), Self.disk("sdb", serial: "A1")]
        #expect(throws: DiskSelector.Refusal.ambiguous(matches: twins)) {
            try DiskSelector(parsing: "serial=A1").choose(from: twins)
        }
    }

    @Test("F24: a disk without a serial number is not meant by an empty one")
    func noSerial() {
        let blank = Self.disk("sda", serial: "") { ($0.wwn, $0.byID) = ("", "") }
        for text in ["serial=x", "wwn=x", "id=x"] {
            #expect(throws: DiskSelector.Refusal.noMatch(candidates: [blank])) {
                try DiskSelector(parsing: text).choose(from: [blank])
            }
        }
    }

    @Test(arguments: [
        "", "rule:", "rule:bus", "rule:size>10", "rule:size>=-1", "rule:size>=1X", "rule:size>=99999999999T",
        "rule:only,,", "rule:size>=+1G", "serial=a,what=b", String(repeating: "a", count: 600),
    ])
    func malformed(text: String) {
        #expect {
            _ = try DiskSelector(parsing: text)
        } throws: {
            if case .malformed? = $0 as? DiskSelector.Refusal { true } else { false }
        }
    }
}

@Suite struct WipeConsentTests {
    private static func disk(_ contents: [String]) -> DiskReport {
        var disk = DiskReport(name: "sda", bytes: 1 << 30)
        (disk.serial, disk.contents) = ("S1", contents)
        return disk
    }

    @Test("F25: a disk that holds anything is refused without a consent that names its very serial number")
    func data() {
        let disk = Self.disk(["LVM physical volume"])
        #expect(WipeConsent.refusal(disk, consent: nil, isUnfinished: false)?.contains("LVM physical volume") == true)
        #expect(WipeConsent.refusal(disk, consent: "S2", isUnfinished: false)?.contains("names S2") == true)
        #expect(WipeConsent.refusal(disk, consent: "s1", isUnfinished: false) != nil)
        #expect(WipeConsent.refusal(disk, consent: "S1", isUnfinished: false) == nil)
    }

    @Test("F25: a consent for another disk refuses an empty one, too")
    func emptyDisk() {
        #expect(WipeConsent.refusal(Self.disk([]), consent: nil, isUnfinished: false) == nil)
        #expect(WipeConsent.refusal(Self.disk([]), consent: "S2", isUnfinished: false) != nil)
    }

    @Test("F9: an unfinished installation of ours goes on without a consent")
    func unfinished() {
        #expect(WipeConsent.refusal(Self.disk(["GPT with 5 partitions"]), consent: nil, isUnfinished: true) == nil)
    }
}
