/// What /proc/cpuinfo says, parsed.
package struct ProcessorInformation: Hashable, Sendable {
    package struct CPU: Hashable, Sendable {
        package var id: Int
        package var socket: Int
        package var core: Int
    }

    package private(set) var cpus: [CPU] = []
    package private(set) var model = ""
    package private(set) var vendor = ""
    /// Of the first processor.
    package private(set) var megahertz = ""
    package private(set) var flags: [String] = []

    /// Takes the whole text; lines that it does not know are skipped.
    package init(cpuinfo text: some StringProtocol) {
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = line[..<colon].split(whereSeparator: \.isWhitespace).joined(separator: " ")
            let value = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace).joined(separator: " ")
            take(key, value)
        }
    }

    private mutating func take(_ key: String, _ value: String) {
        switch key {
        case "processor": Int(value).map { cpus.append(CPU(id: $0, socket: 0, core: cpus.count)) }
        case "physical id": if !cpus.isEmpty, let socket = Int(value) { cpus[cpus.count - 1].socket = socket }
        case "core id": if !cpus.isEmpty, let core = Int(value) { cpus[cpus.count - 1].core = core }
        case "model name" where model.isEmpty: model = value
        case "vendor_id" where vendor.isEmpty: vendor = value
        case "cpu MHz" where megahertz.isEmpty: megahertz = value
        case "flags" where flags.isEmpty: flags = value.split(separator: " ").map(String.init)
        default: break
        }
    }

    package var socketCount: Int { Set(cpus.map(\.socket)).count }

    /// Over all sockets.
    package var coreCount: Int { Set(cpus.map { [$0.socket, $0.core] }).count }

    /// The flags as VDSM gives them: the kernel's, then `model_NAME` for each guest CPU model that this processor can run.
    package var reportedFlags: String {
        let have = Set(flags)
        let models = GuestCPUModel.all.filter { $0.flags.isSubset(of: have) }.map { "model_\($0.name)" }
        return (flags + models).joined(separator: ",")
    }
}

/// A CPU model of QEMU that oVirt's clusters name, with those of its flags by which it differs from its predecessors.
struct GuestCPUModel: Sendable {
    var name: String
    var flags: Set<String>

    private static let sse2: Set<String> = ["sse2", "nx", "lm", "cx8", "cmov", "fxsr", "mmx"]
    private static let conroe = sse2.union(["ssse3", "lahf_lm"])
    private static let penryn = conroe.union(["sse4_1", "cx16"])
    private static let nehalem = penryn.union(["sse4_2", "popcnt"])
    private static let westmere = nehalem.union(["aes"])
    private static let sandyBridge = westmere.union(["avx", "xsave", "pclmulqdq", "rdtscp", "x2apic"])
    private static let ivyBridge = sandyBridge.union(["f16c", "rdrand", "smep", "erms", "fsgsbase"])
    private static let haswell = ivyBridge.union(["avx2", "bmi1", "bmi2", "fma", "movbe", "invpcid"])
    private static let broadwell = haswell.union(["adx", "rdseed", "smap", "3dnowprefetch"])
    private static let skylake = broadwell.union(["xsavec", "xgetbv1"])
    private static let opteron3 = sse2.union(["cx16", "popcnt", "sse4a", "abm", "misalignsse"])
    private static let epyc = opteron3.union([
        "avx2", "bmi1", "bmi2", "fma", "sha_ni", "smap", "adx", "rdseed", "xsavec",
    ])

    static let all = [
        GuestCPUModel(name: "qemu64", flags: sse2),
        GuestCPUModel(name: "kvm64", flags: sse2),
        GuestCPUModel(name: "Conroe", flags: conroe),
        GuestCPUModel(name: "Penryn", flags: penryn),
        GuestCPUModel(name: "Nehalem", flags: nehalem),
        GuestCPUModel(name: "Westmere", flags: westmere),
        GuestCPUModel(name: "SandyBridge", flags: sandyBridge),
        GuestCPUModel(name: "IvyBridge", flags: ivyBridge),
        GuestCPUModel(name: "Haswell-noTSX", flags: haswell),
        GuestCPUModel(name: "Broadwell-noTSX", flags: broadwell),
        GuestCPUModel(name: "Skylake-Client-noTSX-IBRS", flags: skylake),
        GuestCPUModel(
            name: "Skylake-Server-noTSX-IBRS",
            flags: skylake.union(["avx512f", "avx512dq", "avx512cd", "avx512bw"])
        ),
        GuestCPUModel(name: "Opteron_G1", flags: sse2),
        GuestCPUModel(name: "Opteron_G2", flags: sse2.union(["cx16", "rdtscp"])),
        GuestCPUModel(name: "Opteron_G3", flags: opteron3),
        GuestCPUModel(name: "EPYC", flags: epyc),
        GuestCPUModel(name: "EPYC-Rome", flags: epyc.union(["clwb", "umip", "rdpid"])),
    ]
}
