/// Room on disks, what the server reaches, and what guards it.
extension Preflight {
    /// Free space that the packages and their caches need, in MiB, on the file system that holds each folder.
    private static let needs: [(folder: String, free: Int)] = [
        ("/", 512), ("/usr", 1024), ("/var", 1024), ("/etc", 16), ("/boot", 64), ("/tmp", 32),
    ]
    private static let freeInodesMin = 10_000

    /// One finding for each file system that is full or read-only, however many of our folders lie on it.
    var space: [PreflightFinding] {
        var needs: [ServerFacts.Mount: Int] = [:]
        for need in Self.needs {
            guard let mount = mount(of: need.folder) else { continue }
            // What lies on one file system needs room together; /boot and /tmp only count where they stand alone.
            let isAlone = mount.path.raw == need.folder
            if isAlone || !["/boot", "/tmp"].contains(need.folder) { needs[mount, default: 0] += need.free }
        }
        if needs.isEmpty {
            return [
                finding("disk.unknown", .blocking, "the server does not say what is mounted", "see /proc/mounts and df")
            ]
        }
        return needs.sorted { $0.key.path.raw < $1.key.path.raw }.flatMap { space(on: $0.key, needed: $0.value) }
    }

    private func space(on mount: ServerFacts.Mount, needed: Int) -> [PreflightFinding] {
        let path = mount.path.raw
        if mount.isReadOnly {
            return [
                finding(
                    "mount.readonly",
                    .blocking,
                    "\(path) is mounted read-only",
                    "mount -o remount,rw \(path), and see why it is (dmesg)"
                )
            ]
        }
        var found: [PreflightFinding] = []
        if let free = mount.free, free / 1024 < needed {
            found.append(
                finding(
                    "disk.space",
                    .blocking,
                    "\(path) has \(free / 1024) MiB free, \(needed) are needed",
                    "free space there"
                )
            )
        }
        if let inodes = mount.freeInodes, inodes < Self.freeInodesMin {
            found.append(
                finding(
                    "disk.inodes",
                    .blocking,
                    "\(path) has \(inodes) inodes free, \(Self.freeInodesMin) are needed",
                    "remove files there"
                )
            )
        }
        return found
    }

    /// The file system that a folder lies on: the longest mount point above it.
    private func mount(of folder: String) -> ServerFacts.Mount? {
        facts.mounts.filter { mount in
            let path = mount.path.raw
            return path == "/" || path == folder || folder.hasPrefix(path + "/")
        }.max { $0.path.raw.utf8.count < $1.path.raw.utf8.count }
    }

    var reach: [PreflightFinding] {
        var found: [PreflightFinding] = []
        let engine = TCPEndpoint(host: request.engine.host.rawValue, port: request.engine.port)
        if let engine, !facts.engineAddresses.isEmpty, !facts.reachable.contains(engine) {
            found.append(
                finding(
                    "engine.unreachable",
                    .blocking,
                    "the server cannot connect to the engine at \(engine)",
                    "see routes and firewalls between them"
                )
            )
        }
        if let repository = request.repository, let place = TCPEndpoint(url: repository.url),
            !facts.reachable.contains(place)
        {
            found.append(
                finding(
                    "repository.engine",
                    .blocking,
                    "the server cannot connect to the repository at \(place)",
                    "see routes and firewalls between them"
                )
            )
        }
        let silent = facts.repositories.filter { !facts.reachable.contains($0) }.map(\.description)
        if facts.repositories.isEmpty, request.repository == nil {
            found.append(
                finding(
                    "repository.none",
                    .blocking,
                    "the server has no package repository",
                    "configure one, or give the engine's by --repository"
                )
            )
        } else if !silent.isEmpty {
            // With one that is down dnf and apt refuse the others too.
            let isBlocking = silent.count == facts.repositories.count && request.repository == nil
            found.append(
                finding(
                    "repository.unreachable",
                    isBlocking ? .blocking : .warning,
                    "the server cannot connect to its repositories \(silent.joined(separator: ", "))",
                    "see its proxy and routes, or disable them"
                )
            )
        }
        return found
    }

    var security: [PreflightFinding] {
        var found: [PreflightFinding] = []
        switch facts.selinux {
        case "enforcing": found.append(finding("selinux", .info, "SELinux is enforcing, and stays so"))
        case "permissive", "disabled":
            found.append(
                finding(
                    "selinux",
                    .warning,
                    "SELinux is \(facts.selinux): guests are not kept apart by it",
                    "set SELINUX=enforcing in /etc/selinux/config, and reboot"
                )
            )
        default: break
        }
        found += firewall
        return found
    }

    private var firewall: [PreflightFinding] {
        let units = facts.activeUnits
        if units.contains("firewalld.service") {
            let isDouble = units.contains("iptables.service") || units.contains("nftables.service")
            guard isDouble else {
                return [finding("firewall", .info, "firewalld is on; the ports of a node are opened in it")]
            }
            return [
                finding(
                    "firewall.double",
                    .warning,
                    "firewalld and another firewall are on, and undo each other's rules",
                    "keep one: systemctl disable --now iptables nftables"
                )
            ]
        }
        let ports = "54321/tcp (agent), 16514/tcp (libvirt), 49152-49216/tcp (migration), 5900-6923/tcp (consoles)"
        if units.contains("ufw.service") {
            return [
                finding(
                    "firewall.ufw",
                    .warning,
                    "ufw is on; its rules are left alone",
                    "open \(ports): ufw allow 54321/tcp …"
                )
            ]
        }
        guard facts.dropsInput else { return [finding("firewall.none", .info, "no firewall turns connections away")] }
        return [
            finding(
                "firewall.rules",
                .warning,
                "rules of nftables or iptables turn connections away; they are left alone",
                "open \(ports) in them"
            )
        ]
    }
}
