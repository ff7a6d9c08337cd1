import BootWire
import HostModel
import ServiceLifecycle
import Synchronization

/// Finds boots that began and did not go on, and says what is likely to be the cause.
///
/// Each machine is known by the last step of its boot. A step that nothing follows for `patience` is told of once; the next
/// step begins anew. A machine that goes on to its own disk because a person wants it so looks the same until its script says
/// so, which is why this is only told of machines that were given something to load.
final class Standstills: Sendable {
    private struct Stand {
        var step: Step
        var event: BootEvent
        var since: ContinuousClock.Instant
    }

    /// What a machine did last, where something must follow.
    enum Step: Hashable, Sendable {
        /// It was told what to load, with its address or beside another server's.
        case offered
        case offeredByProxy
        /// It asked once more on port 4011.
        case told
        case tookAddress
        case iPXE
        case loader
        case script
        case kernel
        case initramfs
    }

    private let stands = Mutex<[MACAddress: Stand]>([:])

    /// Firmware of servers takes a minute to start what it loaded, and an initramfs as long for its network.
    static let patience: Duration = .seconds(180)
    /// Machines that are followed at once; more are not.
    private static let machinesMax = 20_000

    func follow(_ event: BootEvent, now: ContinuousClock.Instant = .now) {
        stands.withLock { stands in
            guard let step = Step(event, after: stands[event.mac]?.step) else {
                stands[event.mac] = nil
                return
            }
            guard stands.count < Self.machinesMax || stands[event.mac] != nil else { return }
            stands[event.mac] = Stand(step: step, event: event, since: now)
        }
    }

    /// The events that are due now, each once.
    func due(now: ContinuousClock.Instant = .now) -> [BootEvent] {
        stands.withLock { stands in
            let old = stands.filter { now - $0.value.since >= Self.patience }
            for mac in old.keys { stands[mac] = nil }
            return old.values.sorted { $0.since < $1.since }.map { stand in
                let text = "went no further for \(Self.patience.components.seconds) s: \(stand.step.cause)"
                return BootEvent(
                    mac: stand.event.mac,
                    stage: .failed,
                    detail: text,
                    address: stand.event.address,
                    hardwareID: stand.event.hardwareID
                )
            }
        }
    }
}

extension Standstills.Step {
    /// `nil` for steps that end a boot, and for those that something need not follow.
    init?(_ event: BootEvent, after last: Standstills.Step?) {
        switch event.stage {
        case .discover:
            if event.detail.hasPrefix("iPXE") {
                self = .iPXE
            } else if event.detail.contains(ProxyResponder.askedPort) {
                self = .told
            } else if event.detail.hasSuffix(ProxyResponder.besideAnother) {
                self = .offeredByProxy
            } else if event.detail.hasSuffix("nothing to boot") || event.detail.contains("no loader") {
                return nil
            } else {
                self = .offered
            }
        case .address:
            guard let last else { return nil }
            self = last == .iPXE ? .iPXE : last == .offered ? .tookAddress : last
        case .loader: self = .loader
        case .script:
            // Who is to wait asks again and again.
            guard event.detail.hasPrefix("got the script") else { return nil }
            self = .script
        case .kernel: self = .kernel
        case .initramfs: self = .initramfs
        case .root, .installed, .localDisk, .denied, .failed: return nil
        }
    }

    /// What is likely, and what to do, without a full stop.
    var cause: String {
        switch self {
        case .offered:
            "it was offered an address and what to boot, and took neither; another DHCP server may have been faster, or its "
                + "firmware was stopped by hand"
        case .offeredByProxy:
            "it was told what to load and neither loaded it nor asked port 4011; another server gave no address, or its "
                + "firmware does not listen to a proxy: set up the other server (docs/boot.md, section 1)"
        case .told:
            "it asked port 4011 and gave up: UEFI firmware took the offer as BINL, and did not take the answer or could not "
                + "load the file it names; look for a firewall before TFTP (UDP port 69 and one for each transfer)"
        case .tookAddress:
            "it took its address and never asked for its loader; look for a firewall before TFTP (UDP port 69 and one for "
                + "each transfer), or PXE is behind another entry of its boot order"
        case .iPXE:
            "iPXE was told of its script and never asked for it; look for a firewall before HTTP, and for spanning tree "
                + "that keeps the port shut"
        case .loader:
            "it loaded its loader and never asked for its script; Secure Boot refuses a loader without a signature, or the "
                + "loader got no address of its own"
        case .script: "it got its script and never asked for its kernel; what its screen says is the cause"
        case .kernel: "it loaded its kernel and not the initramfs; it was restarted, or has too little memory"
        case .initramfs:
            "its kernel and initramfs were loaded, and the initramfs never asked for its root; the kernel did not start, "
                + "or has no driver or no address for this network"
        }
    }
}

/// Looks for standstills now and then.
struct StandstillWatch: Service {
    let standstills: Standstills
    let onEvent: @Sendable (BootEvent) -> Void

    private static let interval: Duration = .seconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.interval)) != nil {
                for event in standstills.due() { onEvent(event) }
            }
        }
    }
}
