/// Judges a server before its conversion: facts and wishes in, findings out. Nothing is asked and nothing is changed.
package struct Preflight: Sendable {
    let facts: ServerFacts
    let request: ConversionRequest

    package init(_ facts: ServerFacts, _ request: ConversionRequest) { (self.facts, self.request) = (facts, request) }

    package var report: PreflightReport {
        PreflightReport(
            system + hardware + space + clock + names + reach + security + networkTool + managementNetwork + software
                + packageManager + identity + accounts + earlier
        )
    }

    // MARK: - The system

    /// The releases that can be converted.
    private static let majors: [ServerFacts.Distribution.Family: ClosedRange<Int>] = [.rpm: 8...10, .deb: 12...12]

    private var system: [PreflightFinding] {
        [distribution, architecture, initSystem, container, tools].compactMap(\.self)
    }

    private var distribution: PreflightFinding? {
        let wanted = "install CentOS Stream, AlmaLinux, Rocky or RHEL 8 to 10, or Debian 12"
        guard let found = facts.distribution else {
            return finding(
                "distribution.unknown",
                .blocking,
                "the server does not say what it is (/etc/os-release)",
                wanted
            )
        }
        if found.variant == "ovirt-node" {
            let remedy = "let it boot from the network, or install CentOS Stream on it first"
            return finding(
                "distribution.image",
                .blocking,
                "this is an oVirt Node image, not a server of packages",
                remedy
            )
        }
        guard let family = found.family else {
            return finding("distribution.unsupported", .blocking, "\(found.prettyName.raw) cannot be converted", wanted)
        }
        guard let major = found.major, let range = Self.majors[family], range.contains(major) else {
            return finding(
                "distribution.version",
                .blocking,
                "\(found.prettyName.raw) is of a release that cannot be converted",
                wanted
            )
        }
        return finding("distribution", .info, "\(found.prettyName.raw), kernel \(facts.kernel)")
    }

    private var architecture: PreflightFinding? {
        guard facts.architecture != "x86_64" else { return nil }
        return finding(
            "architecture",
            .blocking,
            "the server is \(facts.architecture), the agent is for x86_64",
            "use an x86_64 server"
        )
    }

    private var initSystem: PreflightFinding? {
        guard facts.processOne != "systemd" else { return nil }
        let sentence = "process 1 is \(facts.processOne.isEmpty ? "unknown" : facts.processOne), not systemd"
        return finding("init", .blocking, sentence, "boot the server with systemd")
    }

    private static let containers = [
        "lxc", "lxc-libvirt", "docker", "podman", "systemd-nspawn", "openvz", "container-other", "wsl", "rkt",
    ]

    private var container: PreflightFinding? {
        guard Self.containers.contains(facts.hypervisor) else { return nil }
        let sentence = "this is a container (\(facts.hypervisor)): its kernel, clock and hardware are another machine's"
        return finding("container", .warning, sentence, "convert the machine that it runs on")
    }

    private var tools: PreflightFinding? {
        guard !facts.missingTools.isEmpty else { return nil }
        let names = facts.missingTools.joined(separator: ", ")
        return finding(
            "tools",
            .blocking,
            "these programs are missing on the server: \(names)",
            "install coreutils, util-linux, findutils, grep, sed and gawk (mawk)"
        )
    }

    // MARK: - The machine

    /// MiB below which a node cannot work, and below which it has no room for guests.
    private static let memoryMin = 1800
    private static let memoryGood = 3800

    private var hardware: [PreflightFinding] {
        [virtualization, memory].compactMap(\.self)
    }

    private var virtualization: PreflightFinding? {
        let severity: PreflightFinding.Severity = request.needsVirtualization ? .blocking : .warning
        switch facts.virtualization {
        case .usable, .unloaded: return nil
        case .disabledInFirmware:
            let remedy = "enable Intel VT-x or AMD-V (SVM) in the firmware's setup, and power the server off and on"
            return finding(
                "cpu.virtualization.firmware",
                severity,
                "virtualization is switched off in the firmware",
                remedy
            )
        case .absent where facts.hypervisor == "none" || facts.hypervisor.isEmpty:
            let remedy = "enable it in the firmware's setup if it is hidden there, or use another server"
            return finding(
                "cpu.virtualization.absent",
                severity,
                "the processor shows no virtualization (vmx or svm)",
                remedy
            )
        case .absent:
            let remedy = "enable nested virtualization for this guest (cpu mode host-passthrough)"
            return finding(
                "cpu.virtualization.absent",
                severity,
                "this is a guest (\(facts.hypervisor)) without nested virtualization",
                remedy
            )
        }
    }

    private var memory: PreflightFinding? {
        guard let memory = facts.memory else {
            return finding(
                "memory.unknown",
                .warning,
                "the server does not say how much memory it has",
                "see /proc/meminfo"
            )
        }
        if memory < Self.memoryMin {
            return finding("memory", .blocking, "\(memory) MiB of memory, a node needs 2 GiB", "add memory")
        }
        guard memory < Self.memoryGood else { return nil }
        return finding("memory", .warning, "\(memory) MiB of memory leave little for guests", "add memory")
    }

    // MARK: - Time and names

    /// Seconds of difference from which certificates and signatures fail, and from which logs no longer fit together.
    private static let skewMax: Int64 = 3600
    private static let skewNoted: Int64 = 30

    private var clock: [PreflightFinding] {
        let remedy = "set it: timedatectl set-time, or chronyc makestep; then hwclock --systohc"
        guard let clock = facts.clock else {
            return [finding("clock.unknown", .blocking, "the server's clock could not be read", remedy)]
        }
        let (skew, overflows) = clock.subtractingReportingOverflow(request.clock)
        let size = overflows ? UInt64.max : skew.magnitude
        guard size > Self.skewNoted else { return [] }
        let sentence = "the server's clock is \(Self.duration(size)) \(skew < 0 ? "behind" : "ahead of") the engine's"
        return [finding("clock.skew", size > Self.skewMax ? .blocking : .warning, sentence, remedy)]
    }

    private static func duration(_ seconds: UInt64) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\(seconds / 60) minutes"
        case ..<172_800: "\(seconds / 3600) hours"
        case ..<63_072_000: "\(seconds / 86_400) days"
        default: "\(seconds / 31_536_000) years"
        }
    }

    private var names: [PreflightFinding] {
        var found: [PreflightFinding] = []
        let name = facts.hostName.raw
        if HostName(name) == nil || name == "localhost" || name.hasPrefix("localhost.") {
            found.append(
                finding(
                    "name.host",
                    .warning,
                    "the server has no name of its own (\(name))",
                    "hostnamectl set-hostname NAME"
                )
            )
        } else if facts.ownAddresses.isEmpty {
            found.append(
                finding(
                    "name.forward",
                    .warning,
                    "the server's name \(name) does not resolve on it",
                    "add it to DNS or to /etc/hosts"
                )
            )
        } else if facts.ownAddresses.allSatisfy({ $0.hasPrefix("127.") || $0 == "::1" }) {
            let remedy = "let \(name) lead to \(request.address) in DNS or /etc/hosts: migration needs it"
            found.append(
                finding(
                    "name.loopback",
                    .warning,
                    "the server's name \(name) leads to itself (\(facts.ownAddresses.joined(separator: ", ")))",
                    remedy
                )
            )
        }
        if !facts.hasReverseName {
            found.append(
                finding(
                    "name.reverse",
                    .info,
                    "the address \(request.address) leads to no name",
                    "add a PTR record if others look for one"
                )
            )
        }
        if facts.engineAddresses.isEmpty {
            found.append(
                finding(
                    "name.engine",
                    .blocking,
                    "the engine's name \(request.engine.host) does not resolve on the server",
                    "add it to DNS or to the server's /etc/hosts"
                )
            )
        }
        return found
    }

    func finding(_ id: String, _ severity: PreflightFinding.Severity, _ sentence: String, _ remedy: String = "")
        -> PreflightFinding
    {
        PreflightFinding(id, severity, sentence, remedy: remedy)
    }
}
