package import NIOCore
package import NIOHTTP1

/// One request, as a value.
package struct HTTPCall: Sendable {
    package enum Body: Sendable {
        case none
        case bytes(ByteBuffer)
        /// Exactly `length` bytes, asked for one piece at a time as the connection takes them; `nil` ends early, which is
        /// an error. A stream is read once, so a call with one is never repeated.
        case stream(length: Int64, next: @Sendable () async throws -> ByteBuffer?)
    }

    package var method: HTTPMethod
    /// Path and query, percent-encoded: `/ovirt-engine/api/hosts?search=name%3Dn`.
    package var path: String
    /// `Host`, `Content-Length` and `Connection` are added.
    package var headers: HTTPHeaders
    package var body: Body
    /// Whether doing it twice is as good as doing it once (RFC 9110, section 9.2.2). Such a call may go over a kept
    /// connection, and is repeated once when the server had closed that.
    package var isIdempotent: Bool

    package init(_ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: Body = .none) {
        (self.method, self.path, self.headers, self.body) = (method, path, headers, body)
        switch method {
        case .GET, .HEAD, .PUT, .DELETE, .OPTIONS: isIdempotent = true
        default: isIdempotent = false
        }
        if case .stream = body { isIdempotent = false }
    }

    var isStream: Bool { if case .stream = body { true } else { false } }

    package static func get(_ path: String, headers: HTTPHeaders = [:]) -> HTTPCall {
        HTTPCall(.GET, path, headers: headers)
    }

    /// A `POST` of JSON, or of any bytes with their type.
    package static func post(_ path: String, _ body: ByteBuffer, type: String = "application/json") -> HTTPCall {
        HTTPCall(.POST, path, headers: ["Content-Type": type], body: .bytes(body))
    }

    var bodyLength: Int64? {
        switch body {
        case .none: method == .GET || method == .HEAD || method == .DELETE ? nil : 0
        case .bytes(let bytes): Int64(bytes.readableBytes)
        case .stream(let length, _): length
        }
    }

    func head(for endpoint: Endpoint) -> HTTPRequestHead {
        var headers = headers
        headers.replaceOrAdd(name: "Host", value: endpoint.hostHeader)
        if let bodyLength { headers.replaceOrAdd(name: "Content-Length", value: String(bodyLength)) }
        return HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
    }
}

/// The answer to a call: complete, whatever its status.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: ByteBuffer
    /// The certificates that the peer sent, leaf first; empty without TLS.
    package var peer: CertificateChain

    package init(status: Int, headers: HTTPHeaders, body: ByteBuffer, peer: CertificateChain) {
        (self.status, self.headers, self.body, self.peer) = (status, headers, body, peer)
    }

    package var isSuccess: Bool { (200...299).contains(status) }
}
