import Testing

@testable import EngineClient

@Suite struct EndpointTests {
    @Test(
        "is read and written",
        arguments: [
            ("https://engine.example", Endpoint.https(host: "engine.example", port: 443), "https://engine.example"),
            ("https://engine.example:443/", .https(host: "engine.example", port: 443), "https://engine.example"),
            ("HTTPS://10.77.0.1:8443", .https(host: "10.77.0.1", port: 8443), "https://10.77.0.1:8443"),
            ("http://[::1]:8080", .http(host: "::1", port: 8080), "http://[::1]:8080"),
            ("http://localhost", .http(host: "localhost", port: 80), "http://localhost"),
            ("/run/muster/boot.sock", .unix(path: "/run/muster/boot.sock"), "unix:/run/muster/boot.sock"),
            ("unix:/run/muster/boot.sock", .unix(path: "/run/muster/boot.sock"), "unix:/run/muster/boot.sock"),
        ]
    )
    func reads(text: String, endpoint: Endpoint, written: String) {
        #expect(Endpoint(text) == endpoint)
        #expect(endpoint.description == written)
        #expect(Endpoint(written) == endpoint)
    }

    @Test(
        "is refused",
        arguments: [
            "", "engine.example", "ftp://engine.example", "https://", "https://:443", "https://a:0", "https://a:65536",
            "https://a:x", "https://a/path", "https://a b", "https://a\r\nX: y", "https://[::1", "https://[a]",
            "https://u@h",
            "https://a?x", "/" + String(repeating: "x", count: 107), "/a\0b",
        ]
    )
    func refuses(text: String) { #expect(Endpoint(text) == nil) }
}
