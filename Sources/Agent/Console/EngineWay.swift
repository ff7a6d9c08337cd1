import EngineClient
package import HostModel
import NIOCore
import Subprocess
package import SystemPackage

/// Walks the way from this node to its engine, one step after another, until one fails that the next needs.
package struct EngineWay: Sendable {
    package var busybox: FilePath
    package var inventory: LinkInventory

    private static let pingSeconds = 3
    private static let limits: TransportLimits = {
        var limits = TransportLimits()
        (limits.connectSeconds, limits.readSeconds, limits.answerBytesMax) = (8, 8, 64 << 10)
        return limits
    }()
    private static let authorityPath =
        "/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA"

    package init(busybox: FilePath, inventory: LinkInventory = LinkInventory()) {
        (self.busybox, self.inventory) = (busybox, inventory)
    }

    /// Calls `show` with each step as it is known. False when one failed.
    package func walk(_ configuration: NodeConfiguration, show: (WayStep) -> Void) async -> Bool {
        var isGood = true
        func note(_ step: WayStep) -> Bool {
            show(step)
            isGood = isGood && !step.isFailed
            return !step.isFailed
        }
        let links = inventory.links()
        guard note(.link(links)), note(.address(links)) else { return false }
        let gateway = DefaultRoute.gateway()
        var answers = false
        if let gateway { answers = await ping(gateway) }
        _ = note(.gateway(gateway, answers: answers))
        guard let engine = configuration.engine else {
            return note(WayStep(.name, .failed(remedy: "set it with 2"), "no engine is set"))
        }
        let addresses = await LocalAddress.resolve(engine.host)
        let resolver = (try? readFile("/etc/resolv.conf")) ?? []
        let nameservers = String(decoding: resolver, as: UTF8.self).split(separator: "\n").filter {
            $0.hasPrefix("nameserver")
        }
        guard note(.name(engine.host, addresses: addresses, nameservers: nameservers.count)) else { return false }
        for step in WayStep.call(engine, await call(engine), fingerprint: configuration.engineFingerprint) {
            _ = note(step)
        }
        return isGood
    }

    private func ping(_ address: IPv4Address) async -> Bool {
        let result = try? await Subprocess.run(
            .path(busybox),
            arguments: ["ping", "-c", "1", "-W", "\(Self.pingSeconds)", address.description],
            output: .discarded,
            error: .discarded
        )
        return result?.terminationStatus.isSuccess ?? false
    }

    private func call(_ engine: EngineAddress) async -> Result<HTTPAnswer, TransportError> {
        do throws(TransportError) {
            let endpoint = Endpoint.https(host: engine.host.rawValue, port: Int(engine.port))
            let transport = try HTTPTransport(endpoint, trust: .any, limits: Self.limits)
            defer { transport.close() }
            return .success(try await transport.send(.get(Self.authorityPath)))
        } catch {
            return .failure(error)
        }
    }
}

/// The kernel's default route, from `/proc/net/route`.
package enum DefaultRoute {
    package static func gateway(table: FilePath = "/proc/net/route") -> IPv4Address? {
        guard let bytes = try? readFile(table, limit: 1 << 20) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
            let fields = line.split(whereSeparator: \.isWhitespace)
            // Interface, destination, gateway, flags (RTF_GATEWAY is 2), …, mask; numbers are hex in the machine's order.
            guard fields.count >= 8, fields[1] == "00000000", fields[7] == "00000000",
                let flags = UInt32(fields[3], radix: 16), flags & 2 != 0, let raw = UInt32(fields[2], radix: 16)
            else { continue }
            return IPv4Address(rawValue: UInt32(bigEndian: raw))
        }
        return nil
    }
}
