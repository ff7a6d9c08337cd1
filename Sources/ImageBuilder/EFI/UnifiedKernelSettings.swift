package import Recipes

/// `efi` of a definition: what the signed command line says beside the image's own words. It is signed once for all
/// machines, so nothing in it is about one of them.
package struct UnifiedKernelSettings: Hashable, Sendable {
    /// Where the engine is, and its CA's fingerprint: a node trusts no other.
    package var engine: EngineLocation
    /// `HOST` or `HOST:PORT` of the boot server that has the root image.
    package var bootServer: String?
    package var arguments: [String]

    package init(engine: EngineLocation, bootServer: String? = nil, arguments: [String] = []) {
        (self.engine, self.bootServer, self.arguments) = (engine, bootServer, arguments)
    }

    /// All of it in an order that stays.
    var words: [String] { engine.kernelArguments + [bootServer ?? ""] + arguments }
}

extension DefinitionReader {
    static func unifiedKernel(_ node: DefinitionNode) throws(ImageDefinitionError) -> UnifiedKernelSettings {
        let fields = try node.fields(["engine", "engine-fingerprint", "boot-server", "arguments"])
        let (engine, fingerprint) = (try fields.required("engine"), try fields.required("engine-fingerprint"))
        guard let location = EngineLocation(server: try engine.text()) else {
            throw engine.failure("expected the engine's name or IPv4 address, with or without :PORT")
        }
        guard let pinned = EngineLocation(server: location.server, fingerprint: try fingerprint.text()) else {
            throw fingerprint.failure("expected the SHA-256 of the engine's CA certificate, 64 hex digits")
        }
        let server = try fields.value("boot-server") { node throws(ImageDefinitionError) in
            guard let server = EngineLocation(server: try node.text()) else {
                throw node.failure("expected the boot server's name or IPv4 address, with or without :PORT")
            }
            return server.server
        }
        let arguments = try fields.list("arguments") { node throws(ImageDefinitionError) in try node.kernelArgument() }
        return UnifiedKernelSettings(engine: pinned, bootServer: server, arguments: arguments)
    }
}
