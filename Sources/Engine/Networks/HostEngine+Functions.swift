import AgentWire
package import HostModel

// Virtual functions of hosts' network cards (SR-IOV).

extension HostEngine {
    /// Gives a nic of the host so many virtual functions, and keeps it for the host's next start.
    package func setVirtualFunctions(
        _ order: VirtualFunctionsResource,
        of nic: String,
        on id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        guard let count = order.number_of_virtual_functions?.value else {
            throw EngineError(
                .invalid,
                "virtual_functions_configuration has no number_of_virtual_functions.",
                remedy: "Say how many the nic is to have."
            )
        }
        let host = try await hostRow(id)
        let told = "\(terminalEscaped(nic.prefix(64)))"
        do throws(EngineError) {
            let capabilities = try await withAgent(of: id) { _, link throws(AgentFailure) in
                try await link.capabilities().values
            }
            let device = try Self.device(of: nic, for: count, on: capabilities, host.row.name)
            let params = VirtualFunctionsOrder(device, count: count).params
            try await withAgent(of: id) { _, link throws(AgentFailure) in
                // Drivers take a while for each function.
                _ = try await link.call(.hostdevChangeNumvfs, params, timeout: Self.functionsMilliseconds)
                _ = try await link.call(.setSafeNetworkConfig)
            }
        } catch {
            let what = "\(count) virtual functions of \(told): not done. \(error.detail)"
            try await tell(host, .hostNetworksFailed, .error, what, by: user, correlation)
            throw error
        }
        try await tell(
            host,
            .hostNetworksChanged,
            .normal,
            "\(told) has \(count) virtual functions",
            by: user,
            correlation
        )
    }

    private static let functionsMilliseconds: Int64 = 150_000

    /// The card behind the nic, if it can have so many (oVirt's refusals).
    private static func device(
        of nic: String,
        for count: Int,
        on capabilities: HostCapabilities,
        _ host: HostName
    ) throws(EngineError) -> PCIAddress {
        let told = terminalEscaped(nic.prefix(64))
        guard let report = capabilities.nics[nic] else {
            throw EngineError(
                .notFound,
                "Host \(host) has no nic \(told).",
                remedy: "`muster host nic \(host) list` shows them."
            )
        }
        guard let functions = report.musterVirtualFunctions, let device = PCIAddress(libvirtName: functions.device)
        else {
            throw EngineError(
                .conflict,
                "The nic \(told) of host \(host) cannot have virtual functions.",
                remedy:
                    "Card, driver and the firmware's setup must have SR-IOV; `muster host nic \(host) list` shows which do."
            )
        }
        guard (0...functions.max).contains(count) else {
            throw EngineError(
                .invalid,
                "\(count) virtual functions of \(told) are not in the range of 0 to \(functions.max).",
                remedy: "The card of \(told) can have \(functions.max)."
            )
        }
        return device
    }
}
