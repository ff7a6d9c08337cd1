/// What libvirt says of the host that it runs guests on.
package struct HypervisorFacts: Hashable, Sendable {
    /// Of libvirt and of the hypervisor: `9.0.0`.
    package var libraryVersion = ""
    package var hypervisorVersion = ""
    /// Machine types for x86-64 guests, sorted: `pc-i440fx-7.2`, `q35`.
    package var machines: [String] = []
    /// The model of CPU that is nearest to the host's own: `Haswell-noTSX`; empty where libvirt knows none.
    package var model = ""

    package init() {}

    /// `1_002_003` is 1.2.3 (virConnectGetLibVersion(3)).
    static func version(_ number: UInt) -> String {
        number == 0 ? "" : "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
    }

    static func machines(_ capabilities: borrowing XMLDocument) -> [String] {
        let guest = "/capabilities/guest[os_type='hvm']/arch[@name='x86_64']//machine"
        return Set(capabilities.strings(guest)).sorted()
    }

    static func model(_ capabilities: borrowing XMLDocument) -> String {
        capabilities.string("string(/capabilities/host/cpu/model)")
    }
}
