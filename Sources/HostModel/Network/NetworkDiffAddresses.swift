// Addresses, routes and rules on the way from one state to another.

extension NetworkDiff {
    mutating func addAddresses() {
        for name in names {
            guard let have = end.links[name], let want = wanted.links[name] else { continue }
            if have.addresses != want.addresses { arrange(name, have.addresses, want.addresses) }
            guard want.ipv6.isEnabled else { continue }
            for address in want.ipv6Addresses where !have.ipv6Addresses.contains(address) {
                add(.addAddress(link: name, address: .v6(address)))
            }
        }
    }

    /// The order of a subnet's addresses is the kernel's business: the first one is the primary, and takes the others along
    /// when it goes. A subnet that only grows grows at its end; one whose order changes is made anew. What only goes, goes
    /// later, when the new carrier has it.
    private mutating func arrange(_ link: String, _ have: [IPv4Network], _ want: [IPv4Network]) {
        var done: [IPv4Network] = []
        for address in want where !done.contains(where: { $0.isBeside(address) }) {
            done.append(address)
            let (old, new) = (have.filter { $0.isBeside(address) }, want.filter { $0.isBeside(address) })
            if !new.starts(with: old) {
                for address in old.reversed() { add(.removeAddress(link: link, address: .v4(address))) }
            }
            for address in new where end.links[link]?.addresses.contains(address) == false {
                add(.addAddress(link: link, address: .v4(address)))
            }
        }
    }

    /// A route without gateway comes first: it is how the gateway of another is reached.
    mutating func addRoutes() {
        var missing = names.flatMap { name in
            wanted.links[name] == nil ? [] : wanted.routes.on(name).filter { !end.routes.contains($0) }
        }
        missing = missing.filter { $0.gateway == nil } + missing.filter { $0.gateway != nil }
        for route in missing { add(.addRoute(route)) }
    }

    mutating func addRules() {
        guard !wanted.rules.isEmpty else { return }
        for name in names {
            let table = RuleState.table(of: name)
            guard let rules = wanted.rules[table] else { continue }
            let missing = rules.subtracting(end.rules[table] ?? []).sorted { $0.description < $1.description }
            for rule in missing { add(.addRule(rule)) }
        }
    }

    mutating func removeStale() {
        for name in names {
            guard let want = wanted.links[name] else { continue }
            for route in end.routes.on(name) where !wanted.routes.contains(route) { add(.removeRoute(route)) }
            // Secondary ones first.
            for address in (end.links[name]?.addresses ?? []).reversed() where !want.addresses.contains(address) {
                add(.removeAddress(link: name, address: .v4(address)))
            }
            for address in end.links[name]?.ipv6Addresses ?? [] where !want.ipv6Addresses.contains(address) {
                add(.removeAddress(link: name, address: .v6(address)))
            }
        }
    }
}
