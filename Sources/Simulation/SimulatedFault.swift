/// What can be wrong with a host. Words as they are given to `muster-engine simulate --fault`.
package enum SimulatedFault: Hashable, Sendable {
    /// Nothing listens: connections are closed as they come.
    case absent
    /// Takes connections and calls, and answers nothing.
    case silent
    /// Answers so many milliseconds late.
    case slow(milliseconds: Int64)
    /// Shows a certificate of nobody's.
    case wrongCertificate
    /// Answers code 99, as an agent that starts does.
    case recovering
    /// Answers bytes that are no STOMP.
    case garbage
    /// Hangs up when this verb is called.
    case diesIn(String)

    package static let slowestMilliseconds: Int64 = 600_000

    /// `absent`, `silent`, `slow=MS`, `wrong-certificate`, `recovering`, `garbage`, `dies-in=VERB`.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? String(parts[1]) : nil
        switch (String(parts[0]), value) {
        case ("absent", nil): self = .absent
        case ("silent", nil): self = .silent
        case ("wrong-certificate", nil): self = .wrongCertificate
        case ("recovering", nil): self = .recovering
        case ("garbage", nil): self = .garbage
        case ("slow", let text?):
            guard let late = Int64(text), (1...Self.slowestMilliseconds).contains(late) else { return nil }
            self = .slow(milliseconds: late)
        case ("dies-in", let verb?) where !verb.isEmpty: self = .diesIn(verb)
        default: return nil
        }
    }
}

/// A fault and how many hosts have it.
package struct FaultOrder: Hashable, Sendable {
    package enum Share: Hashable, Sendable {
        case all
        case hosts(Int)
        case percent(Int)

        func count(of hosts: Int) -> Int {
            switch self {
            case .all: hosts
            case .hosts(let number): min(number, hosts)
            case .percent(let percent): hosts * percent / 100
            }
        }
    }

    package var fault: SimulatedFault
    package var share: Share

    package static let grammar =
        "KIND[:HOSTS|:PERCENT%], KIND one of absent, silent, slow=MS, wrong-certificate, recovering, garbage, dies-in=VERB"

    /// Reads `KIND[:HOSTS|:PERCENT%]`; without a share all hosts that have no fault yet.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let fault = SimulatedFault(parts[0]) else { return nil }
        self.fault = fault
        guard parts.count > 1 else {
            share = .all
            return
        }
        if parts[1].hasSuffix("%") {
            guard let percent = Int(parts[1].dropLast()), (1...100).contains(percent) else { return nil }
            share = .percent(percent)
        } else {
            guard let hosts = Int(parts[1]), hosts > 0 else { return nil }
            share = .hosts(hosts)
        }
    }

    /// Which fault each of `count` hosts has: every order takes the first ones that have none.
    static func assign(_ orders: [FaultOrder], to count: Int) -> [Int: SimulatedFault] {
        var faults: [Int: SimulatedFault] = [:]
        var next = 0
        for order in orders {
            let end = min(count, next + order.share.count(of: count))
            for host in next..<max(next, end) { faults[host] = order.fault }
            next = max(next, end)
        }
        return faults
    }
}
