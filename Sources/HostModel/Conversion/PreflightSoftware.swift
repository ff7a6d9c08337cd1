/// What else is on the server, and who it is.
extension Preflight {
    private static let hypervisors: [(package: String, name: String)] = [
        ("ovirt-engine", "an oVirt engine"), ("vdsm", "oVirt's agent (vdsm)"), ("pve-manager", "Proxmox VE"),
        ("proxmox-ve", "Proxmox VE"), ("xen-hypervisor-common", "Xen"), ("xen", "Xen"), ("virtualbox", "VirtualBox"),
        ("VirtualBox-7.0", "VirtualBox"), ("cloudstack-agent", "CloudStack's agent"),
        ("one-node-kvm", "OpenNebula's agent"),
        ("openstack-nova-compute", "OpenStack's agent (nova)"), ("nova-compute", "OpenStack's agent (nova)"),
        ("harvester", "Harvester"),
    ]
    private static let neighbours: [(package: String, name: String)] = [
        ("docker-ce", "Docker"), ("docker.io", "Docker"), ("kubelet", "Kubernetes"), ("k3s", "Kubernetes (k3s)"),
        ("incus", "Incus"), ("lxd", "LXD"),
    ]

    var software: [PreflightFinding] {
        var found: [PreflightFinding] = []
        let others = Self.names(Self.hypervisors, in: facts.packages)
        if !others.isEmpty {
            found.append(
                finding(
                    "software.hypervisor",
                    .blocking,
                    "the server belongs to \(others.joined(separator: ", "))",
                    "take it out there and remove its packages first"
                )
            )
        }
        let neighbours = Self.names(Self.neighbours, in: facts.packages)
        if !neighbours.isEmpty {
            found.append(
                finding(
                    "software.containers",
                    .warning,
                    "\(neighbours.joined(separator: ", ")) makes bridges and firewall rules of its own",
                    "move it to another server"
                )
            )
        }
        return found + guests
    }

    private var guests: [PreflightFinding] {
        guard facts.runningGuests > 0 else { return [] }
        let sentence = "\(facts.runningGuests) guest\(facts.runningGuests == 1 ? " runs" : "s run") on the server"
        // A host that is repaired: what is done already is left as it is, and no step ends a guest.
        if let host = request.host, facts.agentHost == host {
            let remedy = "they go on; where a reboot is needed it is yours to do"
            return [finding("guests.running", .warning, sentence, remedy)]
        }
        let remedy = "shut them down or move them away: the engine does not know them"
        return [finding("guests.running", .blocking, sentence, remedy)]
    }

    private static func names(_ table: [(package: String, name: String)], in packages: Set<String>) -> [String] {
        table.filter { packages.contains($0.package) }.reduce(into: []) { names, entry in
            if !names.contains(entry.name) { names.append(entry.name) }
        }
    }

    var packageManager: [PreflightFinding] {
        var found: [PreflightFinding] = []
        // An earlier run of ours that was cut off may be at work still, or have left them so; the step goes on from there.
        let severity: PreflightFinding.Severity = facts.earlier == .unfinished ? .info : .blocking
        if facts.hasBrokenPackages {
            found.append(
                finding(
                    "packages.broken",
                    severity,
                    "packages are half installed",
                    "dpkg --configure -a; apt-get --fix-broken install"
                )
            )
        }
        if facts.isPackageManagerBusy {
            found.append(
                finding(
                    "packages.busy",
                    severity,
                    "the package manager is at work",
                    "wait until it is done: ps -C apt,apt-get,dpkg,dnf,yum,rpm"
                )
            )
        }
        if facts.needsReboot {
            found.append(
                finding(
                    "reboot.pending",
                    .warning,
                    "a reboot is pending: the running kernel or libraries are not those on disk",
                    "reboot the server first"
                )
            )
        }
        if request.wantsKdump, !facts.hasCrashKernel {
            found.append(
                finding(
                    "kdump.memory",
                    .warning,
                    "no memory is kept for kdump (crashkernel=)",
                    "kdumpctl reset-crashkernel, or add crashkernel=256M to the kernel's arguments, and reboot"
                )
            )
        }
        if facts.hasStrangeNames {
            found.append(
                finding(
                    "files.names",
                    .warning,
                    "names under /etc have control characters; those files are left out of what is compared when going back",
                    "find /etc -name '*[[:cntrl:]]*'"
                )
            )
        }
        return found
    }

    /// What firmware writes that has no number of its own.
    private static let placeholders = [
        "00000000-0000-0000-0000-000000000000", "03000200-0400-0500-0006-000700080009",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "12345678-1234-5678-90ab-cddeefaabbcc",
    ]

    var identity: [PreflightFinding] {
        var found: [PreflightFinding] = []
        let id = facts.hostID ?? facts.smbiosUUID
        if let id, let host = request.knownIDs[id] {
            found.append(
                finding(
                    "host.managed",
                    .blocking,
                    "the machine id \(id) is that of the host \(host) already",
                    "it is that host (muster host reinstall \(host)), or a clone: give it an id of its own in /etc/vdsm/vdsm.id"
                )
            )
        }
        if facts.hostID == nil, id.map({ Self.placeholders.contains($0.rawValue) }) ?? true {
            found.append(
                finding(
                    "host.uuid",
                    .info,
                    "the firmware has no machine id; the server gets a random one (/etc/vdsm/vdsm.id)"
                )
            )
        }
        if let manager = facts.manager, let own = request.engineFingerprint, manager.fingerprint != own {
            found.append(otherEngine(manager))
        } else if let agent = facts.agentHost {
            found.append(
                finding(
                    "host.agent",
                    .warning,
                    "an agent of Muster is on the server, as host \(agent)",
                    "remove that host from its engine first, if it is not this one"
                )
            )
        }
        if let name = facts.initiator?.raw, let host = request.knownInitiators[name] {
            found.append(
                finding(
                    "iscsi.initiator",
                    .blocking,
                    "the iSCSI initiator name \(name) is that of the host \(host) already",
                    "make a new one: echo InitiatorName=$(iscsi-iname) > /etc/iscsi/initiatorname.iscsi"
                )
            )
        }
        return found
    }

    private func otherEngine(_ manager: ServerFacts.ManagingEngine) -> PreflightFinding {
        let name = manager.address.map { "\($0)" } ?? "whose address is not known"
        let digits = "\(manager.fingerprint)".prefix(Self.shownDigits)
        if request.takesOver {
            return finding(
                "host.engine",
                .warning,
                "the server is taken over from another engine, \(name) (CA \(digits)…), which loses it",
                "remove the host there afterwards: muster host remove --force"
            )
        }
        return finding(
            "host.engine",
            .blocking,
            "the server is a host of another engine, \(name) (CA \(digits)…)",
            "give it back there first (muster host uninstall), or take it over: --take-over"
        )
    }

    /// Of a fingerprint, enough to tell two engines apart.
    private static let shownDigits = 16

    var accounts: [PreflightFinding] {
        NodeAccount.all.flatMap { account -> [PreflightFinding] in
            let severity: PreflightFinding.Severity = account.isShared ? .blocking : .warning
            var found: [PreflightFinding] = []
            if let user = account.user {
                found += clash(facts.users, user, account.uid, "user", "uid", severity)
            }
            return found + clash(facts.groups, account.group, account.gid, "group", "gid", severity)
        }
    }

    /// Another name with our number forbids it; our name with another number gets ours.
    private func clash(
        _ list: [ServerFacts.Account],
        _ name: String,
        _ id: Int,
        _ what: String,
        _ number: String,
        _ severity: PreflightFinding.Severity
    ) -> [PreflightFinding] {
        if let other = list.first(where: { $0.id == id && $0.name != name }) {
            let remedy = "give \(other.name) another \(number), and its files with it"
            return [
                finding(
                    "accounts.\(what)",
                    severity,
                    "\(number) \(id) is \(other.name)'s, a node's \(name) has it",
                    remedy
                )
            ]
        }
        guard let same = list.first(where: { $0.name == name && $0.id != id }) else { return [] }
        let sentence =
            "the \(what) \(name) has \(number) \(same.id); it gets \(id), and its old number back when going back"
        return [
            finding(
                "accounts.\(what)",
                .warning,
                sentence,
                "files of \(number) \(same.id) elsewhere than in /dev stay with the old number"
            )
        ]
    }

    var earlier: [PreflightFinding] {
        switch facts.earlier {
        case .none: []
        case .unfinished:
            [finding("conversion.unfinished", .info, "a conversion began here; it goes on from its last finished step")]
        case .finished:
            [finding("conversion.finished", .info, "the server is converted; what is missing is repaired")]
        }
    }
}

/// A user or group that a node has under a fixed number, as every oVirt host: storage that several hosts share depends on it.
package struct NodeAccount: Hashable, Sendable {
    /// `nil`: a group only.
    package var user: String?
    package var uid: Int
    package var group: String
    package var gid: Int
    /// Whether the numbers are on shared storage, and not of a service of this host only.
    package var isShared: Bool

    package static let all = [
        NodeAccount(user: "vdsm", uid: 36, group: "kvm", gid: 36, isShared: true),
        NodeAccount(user: "qemu", uid: 107, group: "qemu", gid: 107, isShared: false),
        NodeAccount(user: "sanlock", uid: 179, group: "sanlock", gid: 179, isShared: false),
    ]
}
