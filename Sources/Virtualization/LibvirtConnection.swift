internal import CLibvirt
internal import Glibc

/// Owns a connection to a libvirt daemon. Calls block their thread until the daemon answers or is found dead.
package struct LibvirtConnection: ~Copyable {
    private let library: LibvirtLibrary
    private let handle: OpaquePointer

    /// A daemon that is silent for so long is given up: seconds between questions, and how many may stay unanswered.
    private static let (aliveSeconds, aliveCount): (CInt, CUnsignedInt) = (5, 3)
    private static let uuidLength = Int(VIR_UUID_STRING_BUFLEN)

    /// Opens `qemu:///system` and the like. A reader may look at everything but secrets, and needs no privilege.
    package init(_ uri: String, isReadOnly: Bool = true) throws(LibvirtError) {
        let library = try LibvirtLibrary.shared()
        let functions = library.functions
        guard let handle = isReadOnly ? functions.virConnectOpenReadOnly(uri) : functions.virConnectOpen(uri) else {
            throw library.failure("connect to \(uri)")
        }
        (self.library, self.handle) = (library, handle)
        // A driver within this process has nobody to ask.
        _ = functions.virConnectSetKeepAlive(handle, Self.aliveSeconds, Self.aliveCount)
    }

    deinit { _ = library.functions.virConnectClose(handle) }

    /// The guests that run, by id.
    package borrowing func guests() throws(LibvirtError) -> [Guest] {
        var records: UnsafeMutablePointer<virDomainStatsRecordPtr?>?
        let kinds = [
            VIR_DOMAIN_STATS_STATE, VIR_DOMAIN_STATS_CPU_TOTAL, VIR_DOMAIN_STATS_BALLOON, VIR_DOMAIN_STATS_VCPU,
        ]
        let wanted = kinds.reduce(0) { $0 | $1.rawValue }
        let active = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE.rawValue
        let count = library.functions.virConnectGetAllDomainStats(handle, wanted, &records, active)
        guard count >= 0, let records else { throw library.failure("list the guests") }
        defer { library.functions.virDomainStatsRecordListFree(records) }
        return UnsafeBufferPointer(start: records, count: Int(count)).compactMap { record in
            record.flatMap { guest($0.pointee) }
        }.sorted { $0.id < $1.id }
    }

    private borrowing func guest(_ record: virDomainStatsRecord) -> Guest? {
        guard let name = library.functions.virDomainGetName(record.dom) else { return nil }
        let id = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Self.uuidLength) { buffer -> String? in
            guard let start = buffer.baseAddress, library.functions.virDomainGetUUIDString(record.dom, start) == 0
            else {
                return nil
            }
            return String(cString: start)
        }
        guard let id else { return nil }
        var values: [String: UInt64] = [:]
        for parameter in UnsafeMutableBufferPointer(start: record.params, count: Int(record.nparams)) {
            var parameter = parameter
            let field = withUnsafeBytes(of: &parameter.field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            values[field] = clibvirt_number(&parameter)
        }
        return Guest(id: id, name: String(cString: name), values: values)
    }

    /// The guest's definition as it runs, in libvirt's XML without secrets; `nil` for none of that id.
    package borrowing func definition(of id: String) throws(LibvirtError) -> String? {
        guard let domain = library.functions.virDomainLookupByUUIDString(handle, id) else { return nil }
        defer { _ = library.functions.virDomainFree(domain) }
        return try text(library.functions.virDomainGetXMLDesc(domain, 0), "describe a guest")
    }

    /// Names of the host's devices.
    package borrowing func deviceNames() throws(LibvirtError) -> [String] {
        var list: UnsafeMutablePointer<virNodeDevicePtr?>?
        let count = library.functions.virConnectListAllNodeDevices(handle, &list, 0)
        guard count >= 0, let list else { throw library.failure("list the devices") }
        defer { free(list) }
        return UnsafeBufferPointer(start: list, count: Int(count)).compactMap { device in
            guard let device else { return nil }
            defer { _ = library.functions.virNodeDeviceFree(device) }
            return library.functions.virNodeDeviceGetName(device).map { String(cString: $0) }
        }
    }

    /// A device of that name; takes some milliseconds. `nil` for one that went away, or whose description can not be read.
    package borrowing func device(_ name: String) -> HostDevice? {
        guard let device = library.functions.virNodeDeviceLookupByName(handle, name) else { return nil }
        defer { _ = library.functions.virNodeDeviceFree(device) }
        let answer = try? text(library.functions.virNodeDeviceGetXMLDesc(device, 0), "describe a device")
        return answer.flatMap { HostDevice(description: $0, library) }
    }

    /// What does not change while the daemon runs; takes a moment.
    package borrowing func facts() throws(LibvirtError) -> HypervisorFacts {
        var (facts, number) = (HypervisorFacts(), UInt(0))
        if library.functions.virConnectGetLibVersion(handle, &number) == 0 {
            facts.libraryVersion = HypervisorFacts.version(number)
        }
        if library.functions.virConnectGetVersion(handle, &number) == 0 {
            facts.hypervisorVersion = HypervisorFacts.version(number)
        }
        let answer = try text(library.functions.virConnectGetCapabilities(handle), "read the capabilities")
        let capabilities = try XMLDocument(answer, library)
        facts.machines = HypervisorFacts.machines(capabilities)
        facts.model = HypervisorFacts.model(capabilities)
        (facts.counterFrequency, facts.scalesCounter) = HypervisorFacts.counter(capabilities)
        return facts
    }

    private borrowing func text(
        _ answer: UnsafeMutablePointer<CChar>?,
        _ operation: String
    ) throws(LibvirtError) -> String {
        guard let answer else { throw library.failure(operation) }
        defer { free(answer) }
        return String(cString: answer)
    }
}
