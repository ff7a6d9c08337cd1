import Testing

@testable import BootServer

/// busybox's `udhcpc` in the client's namespace. It changes no address; what it was told is what its script prints.
struct DHCPClient {
    let network: BootNetwork
    let directory: TemporaryDirectory
    var interface = "eth0"

    /// One lease: the variables of the script. Fails the test when there is none in ten seconds.
    func lease(_ options: [String] = []) async throws -> [String: String] {
        try await #require(ask(options), "no lease on \(interface)")
    }

    /// As `lease`; `nil` when nobody answers.
    func ask(_ options: [String] = []) async throws -> [String: String]? {
        let script = try directory.write(
            "udhcpc",
            Array("#!/bin/sh\n[ \"$1\" = bound ] && env\nexit 0\n".utf8),
            mode: 0o755
        )
        let words = ["busybox", "udhcpc", "-i", interface, "-f", "-n", "-q", "-t", "5", "-T", "2", "-s", script]
        let result = try await network.runClient(words + options)
        guard result.isSuccess else { return nil }
        var variables: [String: String] = [:]
        for line in result.output.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
        return variables
    }
}
