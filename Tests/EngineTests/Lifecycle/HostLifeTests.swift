import HostModel
import Testing

@testable import Engine

/// Every status against every signal. `=` stays, `-` is refused, anything else is the status that follows.
@Suite struct HostLifeTests {
    /// The signals, in the order of the table's columns.
    enum Column: Int, CaseIterable {
        case approvedWithKey, approvedAgain, installed, installFailed, fit, unfit, heard, recovering, silent, lost
        case workBegan, workWrites, workReboots, workEnded, workEndedInMaintenance
        case deactivated, activated, drained
        case poweredOff, powerCycles, powerBack, powerLost, dumpBegan, arrivalBegan, arrivalFailed
    }

    static let table: [HostStatus: String] = [
        .unassigned: "installing - - - up non_operational = initializing connecting non_responsive "
            + "- - - - - - - - "
            + "down reboot = = kdumping - -",
        .down: "installing - - - - - - - - - "
            + "- - - initializing maintenance maintenance unassigned - "
            + "= reboot = = kdumping - -",
        .maintenance: "installing - - - - - - - - - "
            + "preparing_for_maintenance - - - - - unassigned - "
            + "down = = = = - -",
        .up: "installing - - - = non_operational = initializing connecting non_responsive "
            + "preparing_for_maintenance - - - - preparing_for_maintenance - - "
            + "down reboot = = kdumping - -",
        .nonResponsive: "installing - - - up non_operational = initializing = = "
            + "- - - - - maintenance unassigned - "
            + "down reboot = = kdumping - -",
        .error: "installing - - - up non_operational = initializing connecting non_responsive "
            + "- - - - - maintenance unassigned - "
            + "down reboot = = kdumping - -",
        .installing: "= - initializing install_failed - - - - - - "
            + "- - reboot initializing maintenance - - - "
            + "= = = = = - -",
        .installFailed: "installing installing - - - - - - - - "
            + "- - - - - maintenance - - "
            + "= = = = = installing_os -",
        .reboot: "installing - - - - - - - - - "
            + "- - - initializing maintenance - - - "
            + "down = initializing non_responsive kdumping - -",
        .preparingForMaintenance: "installing - - - = = = = = non_responsive "
            + "- installing reboot initializing maintenance = unassigned maintenance "
            + "down = = = = - -",
        .nonOperational: "installing - - - up = = initializing connecting non_responsive "
            + "preparing_for_maintenance - - - - preparing_for_maintenance unassigned - "
            + "down reboot = = kdumping - -",
        .pendingApproval: "installing installing - - - - - - - - "
            + "- - - - - - - - "
            + "= = = = = - -",
        .initializing: "installing - - - up non_operational = = connecting non_responsive "
            + "- - - - - - - - "
            + "down reboot = = kdumping - -",
        .connecting: "installing - - - up non_operational = initializing = non_responsive "
            + "- - - - - - - - "
            + "down reboot = = kdumping - -",
        .installingOS: "installing installing - - - - - - - - "
            + "- - - - - - - - "
            + "= = = = = = install_failed",
        .kdumping: "installing - - - - - - - - - "
            + "- - - - - - - - "
            + "down reboot = non_responsive = - -",
    ]

    static let name = HostName("node-1")
    static let failure = InstallFailure(.managementNetwork, "The bridge broke.", remedy: "Mend it.")
    static let unfitness = Unfitness(reason: .networkUnreachable, text: "ovirtmgmt is missing on it.")

    @Test(arguments: HostStatus.allCases, Column.allCases)
    func movesAsTheTableSays(_ status: HostStatus, _ column: Column) throws {
        let row = try #require(Self.table[status]).split(separator: " ").map(String.init)
        try #require(row.count == Column.allCases.count)
        var life = HostLife(status: status, lastContact: 1000)
        let before = life
        let effects = Self.live(&life, column)
        switch row[column.rawValue] {
        case "-":
            #expect(effects == [.refuse])
            #expect(life == before, "a refused signal changes nothing")
        case "=":
            #expect(life.status == status)
            #expect(!effects.contains(.refuse))
        case let expected:
            #expect(life.status.rawValue == expected)
            #expect(effects.contains(.install) == (expected == "installing" && column != .workWrites))
        }
    }

    /// The last column is the third failure in a row, after the grace period.
    private static func live(_ life: inout HostLife, _ column: Column) -> [HostLife.Effect] {
        guard let name else { return [] }
        var times = MonitoringTimes()
        let signal: HostLife.Signal =
            switch column {
            case .approvedWithKey: .approved(hasNewKey: true)
            case .approvedAgain: .approved(hasNewKey: false)
            case .installed: .installed
            case .installFailed: .installFailed(failure)
            case .fit: .fit
            case .unfit: .unfit(unfitness)
            case .heard: .heard
            case .recovering: .recovering
            case .silent: .silent("No route.")
            case .lost: .silent("No route.")
            case .workBegan: .workBegan
            case .workWrites: .workWrites
            case .workReboots: .workReboots
            case .workEnded: .workEnded(inMaintenance: false)
            case .workEndedInMaintenance: .workEnded(inMaintenance: true)
            case .deactivated: .deactivated(reason: nil)
            case .activated: .activated
            case .drained: .drained
            case .poweredOff: .poweredOff
            case .powerCycles: .powerCycles
            case .powerBack: .powerBack
            case .powerLost: .powerLost("It did not answer.")
            case .dumpBegan: .dumpBegan
            case .arrivalBegan: .arrivalBegan
            case .arrivalFailed: .arrivalFailed(ArrivalFailure(step: .boot, reason: "No.", remedy: "Look."))
            }
        if column == .lost { times.attemptsMax = 0 }
        let now = column == .lost ? 1000 + times.grace + 1 : 2000
        return life.handle(signal, of: name, at: now, times)
    }

    @Test("switched off as it rebooted, a host is down, whatever became of the reboot, until it comes back")
    func offInAReboot() throws {
        let name = try #require(Self.name)
        var life = HostLife(status: .reboot, lastContact: 0)
        for signal in [.poweredOff, .workEnded(inMaintenance: true, isDone: false)] as [HostLife.Signal] {
            #expect(!life.handle(signal, of: name, at: 1, MonitoringTimes()).contains(.refuse))
            #expect(life.status == .down)
        }
        _ = life.handle(.workEnded(inMaintenance: true), of: name, at: 2, MonitoringTimes())
        #expect(life.status == .maintenance)
    }

    @Test("a person's reason stays while a host is off")
    func reasonOfMaintenance() throws {
        let name = try #require(Self.name)
        var life = HostLife(status: .up, lastContact: 0)
        for signal in [.deactivated(reason: "DIMM 3"), .poweredOff] as [HostLife.Signal] {
            _ = life.handle(signal, of: name, at: 1, MonitoringTimes())
        }
        #expect(life.status == .down && life.detail == "DIMM 3")
    }

    @Test func twoFailuresAndTheGracePeriodAreForgiven() throws {
        let name = try #require(Self.name)
        let times = MonitoringTimes()
        var life = HostLife(status: .up, lastContact: 0)
        let late = times.grace + 1
        var codes: [EventCode] = []
        for moment in [1000, 2000, 3000, times.grace, late, late + 1] {
            for case .tell(let code, _, _) in life.handle(.silent("No route."), of: name, at: moment, times) {
                codes.append(code)
            }
            #expect(life.status == (moment < late ? .connecting : .nonResponsive))
        }
        #expect(codes == [.hostConnecting, .hostFailure], "each is told once")
        _ = life.handle(.fit, of: name, at: late + 2, times)
        #expect(life.status == .up && life.failures == 0 && life.lastContact == late + 2)
    }

    @Test func twoFailuresAreForgivenAfterAnyTime() throws {
        let name = try #require(Self.name)
        let times = MonitoringTimes()
        var life = HostLife(status: .up, lastContact: 0)
        let late = 10 * times.grace
        _ = life.handle(.silent("No route."), of: name, at: late, times)
        #expect(life.status == .connecting)
        _ = life.handle(.silent("No route."), of: name, at: late, times)
        #expect(life.status == .connecting)
        _ = life.handle(.silent("No route."), of: name, at: late, times)
        #expect(life.status == .nonResponsive)
    }

    @Test func recoveringForTooLongIsNotOperational() throws {
        let name = try #require(Self.name)
        let times = MonitoringTimes()
        var life = HostLife(status: .up, lastContact: 0)
        #expect(!life.handle(.recovering, of: name, at: 1000, times).isEmpty)
        #expect(life.handle(.recovering, of: name, at: 999 + times.recovery, times).isEmpty)
        #expect(life.status == .initializing)
        let effects = life.handle(.recovering, of: name, at: 1000 + times.recovery, times)
        #expect(life.status == .nonOperational)
        #expect(life.detail == "timeout_recovering_from_crash")
        #expect(effects.count == 1)
        #expect(life.handle(.recovering, of: name, at: 2000 + times.recovery, times).isEmpty, "told once")
        #expect(life.status == .nonOperational)
        _ = life.handle(.fit, of: name, at: 3000 + times.recovery, times)
        #expect(life.status == .up)
        #expect(life.detail == nil)
    }

    @Test func theSameReasonIsToldOnceAnotherOneAgain() throws {
        let name = try #require(Self.name)
        let times = MonitoringTimes()
        var life = HostLife(status: .initializing, lastContact: 0)
        #expect(life.handle(.unfit(Self.unfitness), of: name, at: 1, times).count == 1)
        #expect(life.handle(.unfit(Self.unfitness), of: name, at: 2, times).isEmpty)
        let other = Unfitness(reason: .kvmNotRunning, text: "KVM does not run on it.")
        let effects = life.handle(.unfit(other), of: name, at: 3, times)
        #expect(effects == [.tell(.nonOperational, .error, "Host node-1 is not operational. KVM does not run on it.")])
        #expect(life.detail == "kvm_not_running")
    }

    @Test func aFailedInstallationNamesStepReasonAndRemedy() throws {
        let name = try #require(Self.name)
        var life = HostLife(status: .installing, lastContact: 0)
        var failure = Self.failure
        failure.code = .managementNetworkFailed
        let effects = life.handle(.installFailed(failure), of: name, at: 1, MonitoringTimes())
        #expect(
            effects == [
                .tell(.managementNetworkFailed, .error, "Host node-1: The bridge broke."),
                .tell(
                    .installFailed,
                    .error,
                    "Host node-1 installation failed. Set up the management network: The bridge broke. Mend it."
                ),
            ]
        )
        #expect(life.detail == "management_network")
    }
}
