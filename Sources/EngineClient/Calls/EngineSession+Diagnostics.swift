package import NIOCore

extension EngineSession {
    /// A document of the API as the engine writes it: `hosts`, `diagnostics/log`.
    package func document(_ path: String) async throws(CallError) -> ByteBuffer {
        try await perform(.get("\(Self.api)/\(path)")).body
    }

    /// The engine's figures in Prometheus's text format.
    package func metrics() async throws(CallError) -> ByteBuffer {
        try await perform(.get("/ovirt-engine/services/metrics")).body
    }
}
