import NIOSSL

/// The agent's key, certificate and authority, as read from the state directory at one moment.
struct AgentIdentity: Sendable {
    let context: NIOSSLContext
    /// The agent's own leaf in DER.
    let certificate: [UInt8]
    /// The files' bytes: the next reading is compared with them.
    private let files: [[UInt8]]

    private static let names = [NodeIdentity.fileName, Credentials.certificateFile, Credentials.authorityFile]

    /// `nil` while the node is no host of the engine that it is told. Throws when the files are there but cannot be used.
    static func load(from state: NodeDirectory, for configuration: NodeConfiguration) throws -> AgentIdentity? {
        guard Membership(from: state, for: configuration) != nil else { return nil }
        let files = try names.compactMap { try state.read($0) }
        guard files.count == names.count else { return nil }
        return try AgentIdentity(files)
    }

    private init(_ files: [[UInt8]]) throws {
        self.files = files
        let key = try NIOSSLPrivateKey(bytes: files[0], format: .pem)
        let chain = try NIOSSLCertificate.fromPEMBytes(files[1])
        let authorities = try NIOSSLCertificate.fromPEMBytes(files[2])
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.trustRoots = .certificates(authorities)
        // The peer must have a certificate of our authority; whose it may be is PeerRole's to say.
        configuration.certificateVerification = .noHostnameVerification
        context = try NIOSSLContext(configuration: configuration)
        certificate = try chain.first?.toDERBytes() ?? []
    }

    func isSame(as other: AgentIdentity?) -> Bool { files == other?.files }
}
