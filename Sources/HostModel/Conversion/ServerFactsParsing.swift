/// Reads the texts of a transcript. A text that says nothing sensible leaves its fact as if it were not there: what is
/// needed and missing is a finding of the preflight.
extension ServerFacts {
    /// How many links, mounts, accounts and repositories are taken.
    private static let listMax = 1024

    package init(_ transcript: ServerTranscript) {
        distribution = Self.distribution(transcript)
        architecture = transcript.word("architecture") ?? ""
        kernel = transcript.word("kernel") ?? ""
        processOne = transcript.word("init") ?? ""
        hypervisor = transcript.word("virt") ?? ""
        virtualization = Self.virtualization(transcript)
        memory = Self.memory(transcript)
        mounts = Self.mounts(transcript)
        clock = transcript.word("clock").flatMap { Int64($0) }
        links = Self.links(transcript)
        readNames(transcript)
        readServices(transcript)
        readPackages(transcript)
        readIdentity(transcript)
    }

    private mutating func readNames(_ transcript: ServerTranscript) {
        hostName = HostileText(transcript.word("name") ?? "")
        ownAddresses = Self.firstWords(transcript, "own-addresses")
        hasReverseName = transcript.word("reverse") != nil
        engineAddresses = Self.firstWords(transcript, "engine-addresses")
    }

    private mutating func readServices(_ transcript: ServerTranscript) {
        activeUnits = Set(transcript.lines("active").map(String.init))
        hasIfcfgFiles = transcript.word("ifcfg") != nil
        dropsInput = Self.dropsInput(transcript)
        selinux = transcript.word("selinux")?.lowercased() ?? ""
        runningGuests = transcript.lines("guests").count
        missingTools = transcript.lines("missing", max: 64).map { terminalEscaped($0.prefix(32)) }
        hasCrashKernel = transcript.text("cmdline").split(separator: " ").contains { $0.hasPrefix("crashkernel=") }
        hasStrangeNames = !transcript.text("strange").isEmpty
    }

    private mutating func readPackages(_ transcript: ServerTranscript) {
        // `ii  name version`: the state's second letter says whether it is there.
        for line in transcript.lines("packages", max: 20_000) {
            let words = line.split(separator: " ")
            guard words.count >= 2, words[0].dropFirst().first == "i" else { continue }
            packages.insert(String(words[1].prefix { $0 != ":" }))
        }
        hasBrokenPackages = transcript.word("audit") != nil
        isPackageManagerBusy = transcript.word("package-manager") != nil
        let endpoints = transcript.lines("repositories").compactMap { TCPEndpoint(url: $0) }
        repositories = Array(Set(endpoints).sorted().prefix(Self.repositoriesMax))
        needsReboot = transcript.word("reboot") != nil
    }

    /// How many repositories are asked whether they answer.
    package static let repositoriesMax = 8

    private mutating func readIdentity(_ transcript: ServerTranscript) {
        smbiosUUID = transcript.word("uuid").flatMap { UniqueID(rawValue: $0) }.flatMap { HardwareID($0.rawValue) }
        hostID = transcript.word("vdsm-id").flatMap { HardwareID($0) }
        agentHost = transcript.word("agent-host").flatMap { UniqueID(rawValue: $0) }
        manager = Self.manager(transcript)
        initiator = transcript.lines("initiator").first { $0.hasPrefix("InitiatorName=") }
            .map { HostileText($0.dropFirst(14)) }
        users = Self.accounts(transcript, "passwd")
        groups = Self.accounts(transcript, "group")
        switch transcript.word("earlier") {
        case nil: earlier = .none
        case "finished": earlier = .finished
        default: earlier = .unfinished
        }
    }

    /// Whose conversion it is, also an unfinished one, goes before whose agent is there.
    private static func manager(_ transcript: ServerTranscript) -> ManagingEngine? {
        let owner = transcript.lines("conversion-engine").first?.split(separator: " ") ?? []
        if let print = owner.first.flatMap({ Nonce(hex: String($0)) }) {
            return ManagingEngine(print, at: owner.dropFirst().first.flatMap { EngineAddress(String($0)) })
        }
        // `sha256 Fingerprint=AB:CD:…`
        let digits = transcript.lines("agent-authority").first?.split(separator: "=").last?.filter { $0 != ":" } ?? ""
        guard let print = Nonce(hex: digits.lowercased()) else { return nil }
        return ManagingEngine(print, at: transcript.word("agent-engine").flatMap { EngineAddress($0) })
    }

    private static func firstWords(_ transcript: ServerTranscript, _ name: String) -> [String] {
        var seen: [String] = []
        for line in transcript.lines(name, max: 64) {
            guard let word = line.split(separator: " ").first.map(String.init), !seen.contains(word) else { continue }
            seen.append(String(word.prefix(64)))
        }
        return seen
    }

    private static func distribution(_ transcript: ServerTranscript) -> Distribution? {
        var values: [Substring: Substring] = [:]
        for line in transcript.lines("os-release", max: 64) {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1]
            let isQuoted = value.count >= 2 && (value.first == "\"" || value.first == "'") && value.last == value.first
            values[parts[0]] = isQuoted ? value.dropFirst().dropLast() : value
        }
        guard let id = values["ID"], !id.isEmpty else { return nil }
        return Distribution(
            id: String(id.lowercased().prefix(32)),
            major: values["VERSION_ID"].flatMap { Int($0.prefix { $0 != "." }) },
            prettyName: HostileText(values["PRETTY_NAME"] ?? id),
            variant: String((values["VARIANT_ID"] ?? "").prefix(32))
        )
    }

    private static func virtualization(_ transcript: ServerTranscript) -> Virtualization {
        let flags = transcript.lines("cpu").first { $0.hasPrefix("flags") } ?? ""
        guard flags.split(separator: " ").contains(where: { $0 == "vmx" || $0 == "svm" }) else { return .absent }
        if transcript.word("kvm") != nil { return .usable }
        return transcript.word("kvm-log") != nil ? .disabledInFirmware : .unloaded
    }

    private static func memory(_ transcript: ServerTranscript) -> Int? {
        let line = transcript.lines("memory").first { $0.hasPrefix("MemTotal:") }
        return line.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") }.map { $0 / 1024 }
    }

    /// `df -P` puts the mount point last, with `?` for what cannot be shown; `/proc/mounts` has it escaped in octal.
    private static func mounts(_ transcript: ServerTranscript) -> [Mount] {
        let free = freeByPath(transcript, "disk")
        let inodes = freeByPath(transcript, "inodes")
        var mounts: [Mount] = []
        for line in transcript.lines("mounts", max: listMax) {
            let words = line.split(separator: " ")
            guard words.count >= 4 else { continue }
            let path = unescaped(words[1])
            let mount = Mount(
                path: HostileText(path),
                type: String(words[2].prefix(32)),
                isReadOnly: words[3].split(separator: ",").contains("ro"),
                free: free[path],
                freeInodes: inodes[path]
            )
            // The one that was mounted last is the one that is seen.
            mounts.removeAll { $0.path == mount.path }
            mounts.append(mount)
        }
        return mounts
    }

    private static func freeByPath(_ transcript: ServerTranscript, _ name: String) -> [String: Int] {
        var free: [String: Int] = [:]
        for line in transcript.lines(name, max: listMax).dropFirst() {
            let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard words.count == 6, let number = Int(words[3]), number >= 0, words[1] != "0" else { continue }
            free[String(words[5])] = number
        }
        return free
    }

    private static func unescaped(_ path: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(path.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == 92, digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Lines `NAME KIND MASTER VLAN BELOW MEMBERS`, `-` for nothing; addresses from `ip -o address`.
    private static func links(_ transcript: ServerTranscript) -> [Link] {
        var addresses: [Substring: [String]] = [:]
        for line in transcript.lines("addresses", max: listMax) {
            let words = line.split(separator: " ")
            guard words.count >= 4, words[2] == "inet" || words[2] == "inet6" else { continue }
            addresses[words[1].prefix { $0 != "@" }, default: []].append(String(words[3].prefix { $0 != "/" }))
        }
        return transcript.lines("links", max: listMax).compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 6, let name = LinkName(words[0]) else { return nil }
            let kind: Link.Kind =
                switch words[1] {
                case "bridge": .bridge
                case "bond":
                    .bond(
                        members: words[5].split(separator: ",").compactMap { LinkName($0) }.filter {
                            $0.rawValue != "-"
                        }
                    )
                case "vlan": .vlan(Int(words[3]) ?? 0, below: LinkName(words[4]))
                case "team": .team
                case "openvswitch": .openvswitch
                default: .device
                }
            let master = words[2] == "-" ? nil : LinkName(words[2])
            return Link(name, kind, master: master, addresses: addresses[words[0]] ?? [])
        }
    }

    private static func accounts(_ transcript: ServerTranscript, _ name: String) -> [Account] {
        transcript.lines(name, max: listMax).compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 3, let id = Int(fields[2]) else { return nil }
            return Account(String(fields[0].prefix(64)), id)
        }
    }

    /// Whether a rule set turns away what is not named: `policy drop` of an input hook, `-P INPUT DROP`, or a last rule that
    /// rejects everything.
    private static func dropsInput(_ transcript: ServerTranscript) -> Bool {
        transcript.lines("rules").contains { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ";" })
            if words.contains("input"), words.contains("hook") { return words.contains("drop") }
            let text = words.joined(separator: " ")
            return text == "-P INPUT DROP" || text.hasPrefix("-A INPUT -j REJECT") || text == "-A INPUT -j DROP"
        }
    }
}
