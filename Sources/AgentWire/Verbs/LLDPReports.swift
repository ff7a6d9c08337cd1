package import HostModel

/// The answer of `Host.getLldp`: a report for each NIC.
package struct LLDPReports: Hashable, Sendable {
    package var nics: [String: LLDPReport]

    private static let nicsMax = 1024

    package init(_ nics: [String: LLDPReport]) { self.nics = nics }

    package init(result: JSONValue) throws(RPCError) {
        do { nics = try result.decoded() } catch {
            throw RPCError(.invalidRequest, "The neighbours can not be read: \(error)")
        }
        guard nics.count <= Self.nicsMax else { throw RPCError(.invalidRequest, "More than \(Self.nicsMax) NICs") }
    }

    package func result() throws -> JSONValue { try JSONValue(encoding: nics) }

    /// The NICs that `params` ask for by `filter.devices`; `nil` asks for all, and so does an empty list (VDSM).
    package static func devices(_ params: JSONValue) throws(RPCError) -> Set<String>? {
        guard let value = params["filter"]?["devices"], value != .null else { return nil }
        guard let list = value.array, list.count <= nicsMax, list.allSatisfy({ $0.string != nil }) else {
            throw RPCError(.invalidParams, "filter.devices is not a list of at most \(nicsMax) names")
        }
        return list.isEmpty ? nil : Set(list.compactMap(\.string))
    }
}
