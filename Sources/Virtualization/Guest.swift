/// A virtual machine that runs on this host, as libvirt counted at one moment.
package struct Guest: Hashable, Sendable {
    /// libvirt's virDomainState.
    package enum State: Hashable, Sendable {
        case running
        case blocked
        case paused
        case shuttingDown
        case shutOff
        case crashed
        case suspended
        case unknown(UInt64)

        init(_ value: UInt64) {
            switch value {
            case 1: self = .running
            case 2: self = .blocked
            case 3: self = .paused
            case 4: self = .shuttingDown
            case 5: self = .shutOff
            case 6: self = .crashed
            case 7: self = .suspended
            default: self = .unknown(value)
            }
        }
    }

    /// The memory of a guest, in KiB.
    package struct Memory: Hashable, Sendable {
        /// What it has now.
        package var current: UInt64 = 0
        package var maximum: UInt64 = 0
        /// What its kernel sees, and does not use; `nil` where no balloon driver tells.
        package var available: UInt64?
        package var unused: UInt64?
        /// What its process takes of the host.
        package var resident: UInt64?
    }

    /// In the form `8-4-4-4-12`, lower case.
    package var id: String
    /// As whoever defined it chose: any text.
    package var name: String
    package var state: State
    /// Processor time in nanoseconds: of the whole process, and of that what QEMU itself took in user and in kernel mode.
    package var processorTime: UInt64 = 0
    package var userTime: UInt64 = 0
    package var systemTime: UInt64 = 0
    package var processors = 0
    package var memory = Memory()

    /// `values` are those of virConnectGetAllDomainStats(3), by name.
    init(id: String, name: String, values: [String: UInt64]) {
        (self.id, self.name) = (id, name)
        state = State(values["state.state"] ?? 0)
        processorTime = values["cpu.time"] ?? 0
        userTime = values["cpu.user"] ?? 0
        systemTime = values["cpu.system"] ?? 0
        processors = Int(clamping: values["vcpu.current"] ?? 0)
        memory.current = values["balloon.current"] ?? 0
        memory.maximum = values["balloon.maximum"] ?? 0
        memory.available = values["balloon.available"]
        memory.unused = values["balloon.unused"]
        memory.resident = values["balloon.rss"]
    }
}
