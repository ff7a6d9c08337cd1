import Foundation

// The certificate of the web listener: the engine's own, or another one.

extension HostEngine {
    /// A server name that a client may ask for (SNI) whatever it dialled: it gets the engine's own certificate then. Whoever
    /// trusts the engine's CA asks so when the other certificate is shown.
    package static let ownCertificateName = "authority.muster.invalid"

    /// Uses it from the engine's next start on; `nil`: the engine's own again. Works beside a running engine.
    package static func setWebCertificate(
        _ certificate: WebCertificate?,
        in dataDirectory: String
    ) throws(EngineError) {
        let settings = EngineSettings(dataDirectory: dataDirectory, engineAddress: "")
        let keys = KeyDirectory(path: settings.keyDirectory)
        _ = try keys.authorityCertificate()
        try keys.setWeb(certificate)
    }

    /// What the engine shows at its next start; `nil`: its own.
    package static func webCertificate(in dataDirectory: String) throws(EngineError) -> WebCertificate? {
        try KeyDirectory(path: EngineSettings(dataDirectory: dataDirectory, engineAddress: "").keyDirectory).web()
    }
}
