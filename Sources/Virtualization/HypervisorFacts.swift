/// What libvirt says of the host that it runs guests on.
package struct HypervisorFacts: Hashable, Sendable {
    /// Of libvirt and of the hypervisor: `9.0.0`.
    package var libraryVersion = ""
    package var hypervisorVersion = ""
    /// Machine types for x86-64 guests, sorted: `pc-i440fx-7.2`, `q35`.
    package var machines: [String] = []
    /// The model of CPU that is nearest to the host's own: `Haswell-noTSX`; empty where libvirt knows none.
    package var model = ""

    /// The rate of the time stamp counter in hertz; empty where libvirt does not say. Whether the processor can show a guest
    /// another one.
    package var counterFrequency = ""
    package var scalesCounter = false

    package init() {}

    /// `1_002_003` is 1.2.3 (virConnectGetLibVersion(3)).
    static func version(_ number: UInt) -> String {
        number == 0 ? "" : "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
    }

    static func machines(_ capabilities: borrowing XMLDocument) -> [String] {
        let guest = "/capabilities/guest[os_type='hvm']/arch[@name='x86_64']//machine"
        return Set(capabilities.strings(guest)).sorted()
    }

    static func counter(_ capabilities: borrowing XMLDocument) -> (frequency: String, scales: Bool) {
        let counter = "/capabilities/host/cpu/counter[@name='tsc']/@"
        let scaling = capabilities.string("string(\(counter)scaling)")
        return (capabilities.string("string(\(counter)frequency)"), scaling == "yes")
    }

    static func model(_ capabilities: borrowing XMLDocument) -> String {
        capabilities.string("string(/capabilities/host/cpu/model)")
    }
}
