import Testing

@testable import BootServer

/// Debian's `dhcpcd` as a client of DHCPv6, in the client's namespace. It changes no address; what it was told is what its
/// script prints. What it remembers is gone with its mounts, but for its name, which is its card's.
struct Dhcpcd {
    let network: BootNetwork
    let directory: TemporaryDirectory
    var interface = "eth0"

    /// As firmware says it.
    static let pxe = "vendclass 343 PXEClient:Arch:00007:UNDI:003000\n"

    /// The variables of the script, once. Fails the test when nobody answers.
    func told(_ settings: String) async throws -> [String: String] {
        let (result, variables) = try await ask(settings)
        try #require(result.isSuccess, "\(result.output)")
        return variables
    }

    /// The same, for so many seconds; whether somebody answered is in the result.
    func ask(
        _ settings: String,
        seconds: Int = 20
    ) async throws -> (result: (isSuccess: Bool, output: String), variables: [String: String]) {
        let script = try directory.write("told", Array("#!/bin/sh\nenv\n".utf8), mode: 0o755)
        let common =
            "duid ll\noption dhcp6_bootfile_url dhcp6_name_servers\nnoipv6rs\nallowinterfaces \(interface)\ninterface \(interface)\n"
        let file = try directory.write("dhcpcd.conf", Array((common + settings).utf8))
        let mounts = "mount -t tmpfs none /var/lib/dhcpcd && mount -t tmpfs none /run && "
        let command = "exec dhcpcd -6 -1 -T -B -t \(seconds) -f \(file) -c \(script) \(interface)"
        let result = try await network.runClient("unshare", "-m", "sh", "-c", mounts + command)
        var variables: [String: String] = [:]
        for line in result.output.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
        return (result, variables)
    }
}
