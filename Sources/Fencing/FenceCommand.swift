import AgentWire

/// The program that does what an order asks.
///
/// That is the fence agent of the order's name, but for boards that speak IPMI: Debian's fence_ipmilan writes the password on
/// ipmitool's command line, where every user of the machine reads it, so those are told by ipmitool itself, which takes it
/// from its standard input.
struct FenceCommand: Hashable, Sendable {
    var program: String
    var arguments: [String]
    /// Has the password in it; `arguments` never have.
    var input: String
    /// Debian's, that has the program.
    var package: String

    /// fence_ipmilan and its other names.
    static let ipmiAgents: Set<String> = ["idrac", "ilo3", "ilo4", "ilo5", "imm", "ipmilan", "ipmilanplus"]
    /// Seconds that ipmitool waits for one answer, and how often it asks.
    private static let (answerSeconds, tries) = (3, 3)

    init(program: String, arguments: [String], input: String, package: String) {
        (self.program, self.arguments, self.input, self.package) = (program, arguments, input, package)
    }

    init(_ order: FenceOrder) {
        // A reboot is more than one command; the agent knows how it goes.
        guard Self.ipmiAgents.contains(order.agent), order.action != .reboot else {
            self.init(program: "fence_\(order.agent)", arguments: [], input: order.input, package: "fence-agents")
            return
        }
        self.init(ipmi: order, ["chassis", "power", order.action.rawValue])
    }

    init(ipmi order: FenceOrder, _ words: [String]) {
        (program, input, package) = ("ipmitool", "\(order.password)\n", "ipmitool")
        let isOld = ["0", "no", "off", "false"].contains(order.options["lanplus"]?.lowercased() ?? "")
        arguments = ["-I", isOld ? "lan" : "lanplus", "-H", Self.bare(order.address), "-U", order.login]
        arguments += ["-f", "/dev/stdin", "-N", "\(Self.answerSeconds)", "-R", "\(Self.tries)"]
        let switches = ["ipport": "-p", "cipher": "-C", "privlvl": "-L", "auth": "-A", "target": "-t"]
        for (option, letter) in switches.sorted(by: { $0.key < $1.key }) {
            guard let value = order.options[option], !value.isEmpty else { continue }
            arguments += [letter, option == "auth" ? value.uppercased() : value]
        }
        arguments += words
    }

    /// `[2001:db8::1]` without its brackets.
    private static func bare(_ address: String) -> String {
        address.hasPrefix("[") && address.hasSuffix("]") ? String(address.dropFirst().dropLast()) : address
    }

    /// As a fence agent ends: of a question 0 is on and 2 is off.
    func code(_ code: Int32, _ words: String) -> Int32 {
        guard program == "ipmitool", code == 0, arguments.suffix(2) == ["power", "status"] else { return code }
        switch words.lowercased() {
        case let words where words.hasSuffix("is on"): return 0
        case let words where words.hasSuffix("is off"): return 2
        default: return 1
        }
    }
}
