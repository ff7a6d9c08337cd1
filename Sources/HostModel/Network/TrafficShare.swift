/// One curve of the kernel's HFSC scheduler (tc-hfsc(8)).
package struct ServiceCurve: Hashable, Sendable, Codable {
    /// Bits per second at first.
    package var m1: Int
    /// Microseconds for which `m1` holds; 0 for a curve that is one line.
    package var d: Int
    /// Bits per second from then on.
    package var m2: Int

    package init(m1: Int = 0, d: Int = 0, m2: Int) { (self.m1, self.d, self.m2) = (m1, d, m2) }

    /// The kernel counts octets, in 32 bits.
    package static let bitsMax = Int(UInt32.max) * 8
    package static let microsecondsMax = Int(UInt32.max)

    /// As the kernel keeps it.
    var inOctets: ServiceCurve { ServiceCurve(m1: m1 & ~7, d: d, m2: m2 & ~7) }
}

/// What a network may send over the link that it shares with others: VDSM's `hostQos.out`.
package struct TrafficShare: Hashable, Sendable, Codable {
    /// `ls`: what it gets of what is left, compared with the others.
    package var linkShare: ServiceCurve?
    /// `ul`: never more than this.
    package var upperLimit: ServiceCurve?
    /// `rt`: always this much.
    package var realTime: ServiceCurve?

    package init(linkShare: ServiceCurve? = nil, upperLimit: ServiceCurve? = nil, realTime: ServiceCurve? = nil) {
        (self.linkShare, self.upperLimit, self.realTime) = (linkShare, upperLimit, realTime)
    }

    package var inOctets: TrafficShare {
        TrafficShare(
            linkShare: linkShare?.inOctets,
            upperLimit: upperLimit?.inOctets,
            realTime: realTime?.inOctets
        )
    }

    /// The curves by VDSM's names, in its order.
    package var curves: [(name: String, curve: ServiceCurve)] {
        [("ls", linkShare), ("ul", upperLimit), ("rt", realTime)].compactMap { name, curve in curve.map { (name, $0) } }
    }
}

extension TrafficShare: CustomStringConvertible {
    package var description: String {
        curves.map { name, curve in
            name + (curve.d == 0 ? "" : " \(curve.m1) bit/s for \(curve.d) µs, then") + " \(curve.m2) bit/s"
        }
        .joined(separator: ", ")
    }
}

/// How the traffic of networks that share a link is told apart: VDSM's numbers, so that `tc` shows what its users know.
package enum TrafficClass {
    /// The number of the root queueing discipline, `1389:` in `tc`.
    package static let root = 5001
    /// The class of untagged traffic, and of all that no network asked anything for.
    package static let untagged = 5000
    /// Tag 0 needs a number that is not the root's own; 4095 is no tag.
    package static let tagZero = 4095

    package static func id(vlan: Int?) -> Int {
        guard let vlan else { return untagged }
        return vlan == 0 ? tagZero : vlan
    }

    /// What `id` was made of.
    package static func vlan(id: Int) -> Int? { id == untagged ? nil : id == tagZero ? 0 : id }
}

extension WantedNetwork {
    /// Reads `hostQos` (code 21): `{out: {ls: {m1, d, m2}, ul: …, rt: …}}`.
    static func hostQoS(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> TrafficShare? {
        guard let value = attributes["hostQos"] else { return nil }
        let field = NetworkRefusal.network(name, "hostQos")
        let directions = try members(of: value, field, among: ["out"])
        guard let out = directions["out"] else {
            throw NetworkRefusal(.badParameters, field, "hostQos says in out what the network may send")
        }
        let curves = try members(of: out, "\(field).out", among: ["ls", "ul", "rt"])
        let share = TrafficShare(
            linkShare: try curve("ls", curves, "\(field).out"),
            upperLimit: try curve("ul", curves, "\(field).out"),
            realTime: try curve("rt", curves, "\(field).out")
        )
        guard share.linkShare != nil || share.realTime != nil && share.upperLimit == nil else {
            throw NetworkRefusal(.badParameters, "\(field).out.ls", "A network's share needs ls, or rt alone")
        }
        return share
    }

    private static func members(
        of value: AttributeValue,
        _ field: String,
        among names: Set<String>
    ) throws(NetworkRefusal) -> [String: AttributeValue] {
        guard let members = value.map else { throw NetworkRefusal(.badParameters, field, "This is an object") }
        if let key = members.keys.sorted().first(where: { !names.contains($0) }) {
            throw NetworkRefusal(
                .badParameters,
                "\(field).\(terminalEscaped(key))",
                "Known here: \(names.sorted().joined(separator: ", "))"
            )
        }
        return members
    }

    private static func curve(
        _ name: String,
        _ curves: [String: AttributeValue],
        _ field: String
    ) throws(NetworkRefusal) -> ServiceCurve? {
        guard let value = curves[name] else { return nil }
        let field = "\(field).\(name)"
        let members = try members(of: value, field, among: ["m1", "d", "m2"])
        func number(_ key: String, _ most: Int) throws(NetworkRefusal) -> Int {
            guard let value = members[key] else { return 0 }
            guard let number = value.integer, number <= most else {
                throw NetworkRefusal(.badParameters, "\(field).\(key)", "\(key) must be a number from 0 to \(most)")
            }
            return number
        }
        let curve = ServiceCurve(
            m1: try number("m1", ServiceCurve.bitsMax),
            d: try number("d", ServiceCurve.microsecondsMax),
            m2: try number("m2", ServiceCurve.bitsMax)
        )
        guard curve.m2 >= 8 else {
            throw NetworkRefusal(.badParameters, "\(field).m2", "m2 is a rate in bits per second, 8 at least")
        }
        guard (curve.m1 == 0) == (curve.d == 0) else {
            throw NetworkRefusal(.badParameters, "\(field).d", "m1 and d, how long it holds, come together")
        }
        return curve
    }
}
