import BootWire
import HostModel
import Logging
import Synchronization

/// What the boot directory says about machines that ask by DHCP, within the time that they wait.
struct BootVerdicts: Sendable {
    let directory: any BootDirectory
    let loops: LoopGuard
    private let programs = ToldPrograms()
    private let warnings: SparingWarnings

    init(directory: any BootDirectory, loops: LoopGuard, logger: Logger) {
        (self.directory, self.loops, warnings) = (directory, loops, SparingWarnings(logger))
    }

    /// How long the directory may take before a machine is answered without it. Firmware's first wait is 4 s, iPXE's 1 s.
    private static let waitMax: Duration = .seconds(1)

    /// The verdict, and whether the directory knows the machine for a host.
    func verdict(on packet: DHCPPacket) async -> (verdict: DHCPResponder.BootVerdict, isHost: Bool) {
        guard let mac = packet.mac else { return (.allowed, false) }
        return await verdict(on: BootClient(of: packet), mac, packet.hardwareID)
    }

    func verdict(
        on client: BootClient,
        _ mac: MACAddress,
        _ hardwareID: HardwareID?
    ) async -> (verdict: DHCPResponder.BootVerdict, isHost: Bool) {
        guard client != .addressOnly else { return (.allowed, false) }
        guard !loops.stops(mac) else { return (.stopped, false) }
        let request = BootRequest(mac: mac, hardwareID: hardwareID, firmware: client.firmware ?? .uefi)
        do {
            let answer = try await withTimeLimit(Self.waitMax) { try await directory.answer(request) }
            guard answer.profile.mode == .deny else {
                let program = answer.program.map { DHCPResponder.BootVerdict.program($0.path, isBIOS: $0.isBIOS) }
                programs.keep(program, of: mac, isHost: answer.host != nil)
                return (program ?? .allowed, answer.host != nil)
            }
            programs.keep(nil, of: mac, isHost: false)
            return (.denied(profile: answer.profile.name, reason: answer.reason), answer.host != nil)
        } catch {
            // The address and the loader do no harm: the script is asked for by HTTP, and there nobody is let through. A machine
            // whose firmware takes only its signed program is told of that one again, and not of iPXE.
            warnings.warn("\(mac) is answered without the boot directory: \(error)")
            return programs.last(of: mac) ?? (.allowed, false)
        }
    }
}

/// Which machines were told of a program in the place of iPXE when the directory was asked last.
private final class ToldPrograms: Sendable {
    typealias Told = (verdict: DHCPResponder.BootVerdict, isHost: Bool)

    /// Machines that are remembered at once; while that many are, only hosts among them stay.
    private static let machinesMax = 20_000

    private let told = Mutex<[MACAddress: Told]>([:])

    /// `nil`: it is told of iPXE, or of nothing.
    func keep(_ verdict: DHCPResponder.BootVerdict?, of mac: MACAddress, isHost: Bool) {
        told.withLock { told in
            guard let verdict else {
                told[mac] = nil
                return
            }
            if told.count >= Self.machinesMax, told[mac] == nil {
                told = told.filter(\.value.isHost)
                guard told.count < Self.machinesMax else { return }
            }
            told[mac] = (verdict, isHost)
        }
    }

    func last(of mac: MACAddress) -> Told? { told.withLock { $0[mac] } }
}
