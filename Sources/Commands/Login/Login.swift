import ArgumentParser
import EngineClient
import Foundation

struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Begin a session with an engine, and pin its certificate authority.",
        discussion: """
            At first use the fingerprint of the engine's CA is shown, to be compared with the one that muster-engine init
            printed. Without a terminal it must be named with --fingerprint, or the CA itself with --ca-file. Address,
            CA and session are kept in the configuration file (mode 0600) as a context, which becomes the current one. Its
            name is that of the engine's host, or the one of --context; muster context shows them all.
            """
    )

    @Argument(help: "Where the engine is: https://HOST[:PORT].")
    var url: String

    @Option(help: "Who logs in: NAME@PROFILE.")
    var user = "admin@internal"

    @Option(
        help: ArgumentHelp("Read the password from the first line of a file; - is standard input.", valueName: "file"),
        completion: .file()
    )
    var passwordFile: String?

    @Option(help: ArgumentHelp("Trust the CA certificates in this PEM file.", valueName: "file"), completion: .file())
    var caFile: String?

    @Option(help: ArgumentHelp("Trust the engine's CA if this is its SHA-256.", valueName: "sha256"))
    var fingerprint: String?

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    /// What is shown of a session: everything but its token.
    private struct Summary: Encodable {
        var context: String
        var engine: String
        var user: String
        var fingerprint: String?
    }

    func validate() throws {
        if let name = options.context, !ContextBook.isName(name) {
            throw ValidationError("--context takes letters, digits, . _ and -, at most \(ContextBook.nameMax).")
        }
    }

    func run() async throws {
        let file = try options.file
        let endpoint = try Self.endpoint(url)
        let book = try file.read()
        let authority = try await authority(of: endpoint, known: book)
        let password = try PasswordSource(file: passwordFile).password(for: user)
        let context = try await logIn(endpoint, authority, password)
        let name = Self.name(of: context, chosen: options.chosen, in: book)
        try file.update { book in
            book.contexts[name] = context
            book.current = name
        }
        let print = authority?.fingerprints.first?.description
        let summary = Summary(context: name, engine: context.engine, user: user, fingerprint: print)
        output.show(summary, as: Sentence(words: "logged in to \(context.engine) as \(user)"))
    }

    /// A second login to the same engine renews its context; a second user's is another one only with a name of its own.
    static func name(of context: EngineContext, chosen: String?, in book: ContextBook) -> String {
        if let chosen { return chosen }
        let same = book.contexts.filter { $0.value.engine == context.engine }
        if let current = book.current, same[current] != nil { return current }
        return same.keys.min() ?? context.usualName
    }

    private func authority(of endpoint: Endpoint, known: ContextBook) async throws -> CertificateChain? {
        guard case .https = endpoint else { return nil }
        let same = known.contexts.values.filter { $0.engine == endpoint.description && $0.authority != nil }
        let pinned =
            (known.current.flatMap { known.contexts[$0] }.flatMap { same.contains($0) ? $0 : nil } ?? same.first)?
            .authority
        let pinning = AuthorityPinning(
            endpoint: endpoint,
            file: caFile,
            fingerprint: fingerprint,
            known: pinned.flatMap { CertificateChain(pem: $0) }
        )
        return try await pinning.authority()
    }

    private func logIn(
        _ endpoint: Endpoint,
        _ authority: CertificateChain?,
        _ password: String
    ) async throws(UserError) -> EngineContext {
        do {
            let trust = authority.map { ServerTrust.authority($0) } ?? .any
            let transport: HTTPTransport
            do { transport = try HTTPTransport(endpoint, trust: trust) } catch { throw CallError.transport(error) }
            defer { transport.close() }
            let session = try await EngineSession.logIn(transport, user: user, password: password)
            return EngineContext(
                engine: endpoint.description,
                user: user,
                authority: authority?.pem,
                token: session.token
            )
        } catch let error as CallError {
            throw Self.refusal(error)
        } catch {
            throw UserError(.failed, "\(error)", remedy: "muster login --help")
        }
    }

    private static func refusal(_ error: CallError) -> UserError {
        switch error {
        case .signedOut:
            UserError(.noPermission, error.description, remedy: "check the user (NAME@PROFILE) and the password")
        case .transport(.untrusted):
            UserError(
                .unavailable,
                error.description,
                remedy:
                    "use the name or address that muster-engine init was given; if it was set up anew, its new --fingerprint"
            )
        case .transport, .refused, .unexpected, .unreadable: UserError(error)
        }
    }

    /// A bare host name means https. Clear HTTP would send the password to whoever listens, so it stays on this machine.
    static func endpoint(_ url: String) throws(UserError) -> Endpoint {
        let text = url.contains("://") || url.hasPrefix("/") ? url : "https://" + url
        switch Endpoint(text) {
        case .https(let host, let port): return .https(host: host, port: port)
        case .http(let host, let port) where host == "localhost" || host == "::1" || host.hasPrefix("127."):
            return .http(host: host, port: port)
        case .http:
            throw UserError(.usage, "clear HTTP would show the password to the network", remedy: "use https://HOST")
        case .unix, .none:
            throw UserError(.usage, "the engine's address is not a URL", remedy: "muster login https://HOST[:PORT]")
        }
    }
}
