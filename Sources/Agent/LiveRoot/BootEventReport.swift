import EngineClient
import Glibc
import HostModel

/// A step of this machine's boot, told to the boot server, which tells the engine.
struct BootEventReport: Sendable {
    /// Of the boot server.
    let host: String
    var port = 80
    let query: String

    init(host: String, query: String) { (self.host, self.query) = (host, query) }

    init(folder: LiveImageFolder, query: String) {
        (host, port, self.query) = (folder.host, Int(folder.port), query)
    }

    private static let seconds = 3
    private static let answerBytesMax = 4096

    /// `mac=…&platform=…`, by which the boot server knows whose step it is; empty when nothing is known.
    static func query(_ arguments: KernelArguments) -> String {
        let platform = access("/sys/firmware/efi", F_OK) == 0 ? "efi" : "pcbios"
        let links = LinkInventory().links()
        let own = links.first { $0.kind == .ethernet && !$0.addresses.isEmpty } ?? links.first { $0.kind == .ethernet }
        guard let mac = NodeArguments(arguments).bootInterface ?? own?.mac else { return "" }
        return "mac=\(mac.hyphenated)&platform=\(platform)"
    }

    /// True when the boot server took it, and also when nothing is known by which it could. Nobody waits long for an answer.
    @discardableResult
    func send(stage: String, _ detail: String) async -> Bool {
        guard !query.isEmpty else { return true }
        var limits = TransportLimits()
        (limits.connectSeconds, limits.readSeconds) = (Self.seconds, Self.seconds)
        limits.answerBytesMax = Self.answerBytesMax
        let endpoint = Endpoint.http(host: host, port: port)
        guard let transport = try? HTTPTransport(endpoint, trust: .any, limits: limits) else { return false }
        let path = "/boot/event?\(query)&stage=\(stage)&detail=\(percentEncoded(HostileText(detail).raw))"
        let answer = try? await transport.send(.get(path))
        transport.close()
        // A refusal stays one: only a server that cannot answer now is worth another attempt.
        return answer.map { $0.status < 500 } ?? false
    }
}
