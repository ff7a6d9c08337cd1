import Engine
import Foundation
import HTTPTypes
import HostModel
import Testing

@testable import EngineAPI

/// What Prometheus reads.
@Suite struct MetricsTests {
    private static let path = "/ovirt-engine/services/metrics"

    /// Samples by name and labels; throws where a line is none of the format's.
    private static func samples(_ text: String) throws -> [String: Double] {
        var (samples, family): ([String: Double], Substring) = ([:], "")
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                family = line.dropFirst(7).prefix { $0 != " " }
                continue
            }
            if line.hasPrefix("# HELP ") { continue }
            let match = try #require(
                line.wholeMatch(of: /([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? ([0-9.eE+-]+|\+Inf)/),
                "\(line)"
            )
            #expect(match.output.1.hasPrefix(family), "\(line) stands in its family")
            let name = "\(match.output.1)\(match.output.2 ?? "")"
            #expect(samples[name] == nil, "\(name) is there once")
            samples[name] = Double(match.output.4)
        }
        return samples
    }

    @Test("hosts, requests and the process; every line is in the format, and each sample there once")
    func figures() async throws {
        try await APIInstallation.run { client in
            _ = try await client.send(.get, "\(APIClient.api)/hosts")
            _ = try await client.send(.get, "\(APIClient.api)/hosts/x")
            let answer = try await client.send(.get, Self.path)
            #expect(
                answer.status == 200 && answer.headers[.contentType]?.hasPrefix("text/plain; version=0.0.4") == true
            )
            let samples = try Self.samples(answer.body)
            #expect(samples[#"muster_hosts{status="up"}"#] == 0)
            #expect(samples[#"muster_http_requests_total{class="2xx"}"#] == 1)
            #expect(samples[#"muster_http_requests_total{class="4xx"}"#] == 1)
            #expect(samples["muster_http_request_duration_seconds_count"] == 2)
            #expect(samples[#"muster_http_request_duration_seconds_bucket{le="+Inf"}"#] == 2)
            #expect(samples["process_resident_memory_bytes"] ?? 0 > 1_000_000)
            let start = samples["process_start_time_seconds"] ?? 0
            #expect(abs(start - Date.now.timeIntervalSince1970) < 24 * 3600)
            #expect(samples[#"muster_certificate_expiry_timestamp_seconds{certificate="engine"}"#] ?? 0 > start)
        }
    }

    @Test("what a boot server said last: pools, transfers, messages")
    func bootServers() async throws {
        try await APIInstallation.run { client in
            let network = try #require(IPv4Network("10.77.0.1/24"))
            var status = BootStatus(interface: "br0", address: network, dhcp: "full", http_port: 80)
            status.networks = [.init(network: network, pool: "10.77.0.10-10.77.0.19", pool_size: 10, in_use: 3)]
            var counters = BootStatus.Counters()
            (counters.dhcp_dropped, counters.http_bytes) = (7, 1_000_000)
            (status.counters, status.transfer_count) = (counters, 2)
            try await client.engine.report(status: status)
            let samples = try Self.samples(try await client.send(.get, Self.path).body)
            let server = #"interface="br0",server="10.77.0.1""#
            #expect(samples["muster_boot_pool_addresses{\(server),network=\"10.77.0.1/24\"}"] == 10)
            #expect(samples["muster_boot_pool_used_addresses{\(server),network=\"10.77.0.1/24\"}"] == 3)
            #expect(samples["muster_boot_transfers_running{\(server)}"] == 2)
            #expect(samples["muster_boot_dhcp_messages_total{\(server),outcome=\"dropped\"}"] == 7)
            #expect(samples["muster_boot_http_bytes_total{\(server)}"] == 1_000_000)
            #expect(samples["muster_boot_reported_timestamp_seconds{\(server)}"] ?? 0 > 0)
        }
    }

    @Test("strangers get none; a token of the settings is enough, and one that is nearly it is not")
    func token() async throws {
        let token = "0123456789abcdef"
        try await APIInstallation.run {
            $0.metricsToken = token
        } _: { signedIn in
            var client = signedIn
            for wrong in [nil, "", "0123456789abcde", "0123456789abcdeg"] as [String?] {
                client.token = wrong
                let answer = try await client.send(.get, Self.path)
                #expect(answer.status == 401 && answer.fault?.remedy?.contains("--metrics-token-file") == true)
            }
            client.token = token
            #expect(try await client.send(.get, Self.path).status == 200)
            #expect(try await client.send(.get, "\(APIClient.api)/hosts").status == 401, "it opens nothing else")
        }
    }

    @Test func labelsAreEscaped() {
        var text = PrometheusText()
        text.begin("a", .gauge, "x\\y\nz")
        text.add("a", [("b", "q\"\\\n")], 0.25)
        #expect(text.text == "# HELP a x\\\\y\\nz\n# TYPE a gauge\na{b=\"q\\\"\\\\\\n\"} 0.25\n")
    }
}
