import BootWire
import HostModel
import Logging

/// What the boot directory says about machines that ask by DHCP, within the time that they wait.
struct BootVerdicts: Sendable {
    let directory: any BootDirectory
    let loops: LoopGuard
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
                return (program ?? .allowed, answer.host != nil)
            }
            return (.denied(profile: answer.profile.name, reason: answer.reason), answer.host != nil)
        } catch {
            // The address and the loader do no harm: the script is asked for by HTTP, and there nobody is let through.
            warnings.warn("\(mac) is answered without the boot directory: \(error)")
            return (.allowed, false)
        }
    }
}
