package import NIOCore

/// The numbers of `getStats` that are kept of each host: what people ask for, in some hundred bytes, because an engine keeps
/// them of ten thousand. The rest of the text is passed over. `nil` is what the agent does not say.
package struct HostFigures: Hashable, Sendable {
    /// One network link.
    package struct Link: Hashable, Sendable {
        /// At most `nameMax` bytes, which stand in the string itself.
        package var name: String
        package var receivedBytes: UInt64 = 0
        package var sentBytes: UInt64 = 0
        package var receiveErrors: UInt64 = 0
        package var sendErrors: UInt64 = 0
        /// Bytes a second since the reading before; `nil` in the first one, and after a counter began anew.
        package var receiveRate: Float?
        package var sendRate: Float?
        /// Whether it is up and has a carrier. Last: there is room for it, and none further up.
        package var isUp: Bool?

        /// The kernel's: IFNAMSIZ without the end.
        static let nameMax = 15

        package init(name: String) { self.name = name }
    }

    /// Huge pages of one size.
    package struct HugePages: Hashable, Sendable {
        /// Kibibytes.
        package var size: Int32
        package var total: Int32?
        package var free: Int32?

        package init(size: Int32, total: Int32? = nil, free: Int32? = nil) {
            (self.size, self.total, self.free) = (size, total, free)
        }
    }

    /// Percent of all processors.
    package var userPercent: Float?
    package var systemPercent: Float?
    package var idlePercent: Float?
    /// The load average of five minutes.
    package var load: Float?
    /// Mebibytes.
    package var memoryFree: Int32?
    package var memoryShared: Int32?
    package var swapTotal: Int32?
    package var swapFree: Int32?
    /// Percent of one processor.
    package var ksmPercent: Int32?
    package var isKSMRunning: Bool?
    package var hasHugePages: Bool?
    package var guests: Int32?
    package var activeGuests: Int32?
    package var migratingGuests: Int32?
    /// Seconds since 1970.
    package var bootTime: Int64?
    /// When the agent read the links, in seconds since 1970.
    package var sampled: Double?
    /// By name.
    package var links: [Link] = []
    /// By size.
    package var hugePages: [HugePages] = []

    /// Links kept of one host: above what a host has, and far below what one message may name.
    package static let linksMax = 1024
    /// Sizes of huge pages kept of one host; no architecture of Linux has more.
    package static let hugePagesMax = 8

    package init() {}
}

extension HostFigures {
    /// `text`: the result of `getStats`. Throws for what is no JSON object; a member of another kind is one that is not there.
    package init(text: ByteBuffer) throws {
        self.init()
        try JSONReader.walk(text) { reader, key in
            switch key {
            case "network": try reader.members { reader, name in try take(name, from: &reader) }
            case "hugepages": try reader.members { reader, size in try takePages(size, from: &reader) }
            default: try take(key, &reader)
            }
        }
        links.sort { $0.name < $1.name }
        hugePages.sort { $0.size < $1.size }
    }

    private mutating func take(_ key: String, _ reader: inout JSONReader) throws {
        switch key {
        case "cpuUser": userPercent = try reader.value().share
        case "cpuSys": systemPercent = try reader.value().share
        case "cpuIdle": idlePercent = try reader.value().share
        case "cpuLoad": load = try reader.value().share
        case "memFree": memoryFree = try reader.value().count
        case "memShared": memoryShared = try reader.value().count
        case "swapTotal": swapTotal = try reader.value().count
        case "swapFree": swapFree = try reader.value().count
        case "ksmCpu": ksmPercent = try reader.value().count
        case "ksmState": if case .boolean(let isRunning) = try reader.value() { isKSMRunning = isRunning }
        case "thpState": if case .string(let state) = try reader.value() { hasHugePages = state != "never" }
        case "vmCount": guests = try reader.value().count
        case "vmActive": activeGuests = try reader.value().count
        case "vmMigrating": migratingGuests = try reader.value().count
        case "bootTime": bootTime = try reader.value().counter.flatMap { Int64(exactly: $0) }
        default: try reader.skip()
        }
    }

    private mutating func take(_ name: String, from reader: inout JSONReader) throws {
        guard name.utf8.count <= Link.nameMax, links.count < Self.linksMax else { return try reader.skip() }
        var link = Link(name: name)
        try reader.members { reader, key in
            switch key {
            case "state": if case .string(let state) = try reader.value() { link.isUp = state == "up" }
            case "rx": link.receivedBytes = try reader.value().counter ?? 0
            case "tx": link.sentBytes = try reader.value().counter ?? 0
            case "rxErrors": link.receiveErrors = try reader.value().counter ?? 0
            case "txErrors": link.sendErrors = try reader.value().counter ?? 0
            case "sampleTime": sampled = try reader.value().real ?? sampled
            default: try reader.skip()
            }
        }
        links.append(link)
    }

    private mutating func takePages(_ size: String, from reader: inout JSONReader) throws {
        guard let size = Int32(size), size > 0, hugePages.count < Self.hugePagesMax else { return try reader.skip() }
        var pages = HugePages(size: size)
        try reader.members { reader, key in
            switch key {
            case "nr_hugepages": pages.total = try reader.value().count
            case "free_hugepages": pages.free = try reader.value().count
            default: try reader.skip()
            }
        }
        hugePages.append(pages)
    }

    /// Works out what went over each link since the reading before.
    package mutating func setRates(since before: HostFigures) {
        guard let sampled, let earlier = before.sampled, sampled >= earlier else { return }
        let known = Dictionary(before.links.map { ($0.name, $0) }) { first, _ in first }
        func rate(_ now: UInt64, _ then: UInt64) -> Float? {
            now < then ? nil : Float(Double(now - then) / (sampled - earlier))
        }
        for index in links.indices {
            guard let old = known[links[index].name] else { continue }
            guard sampled > earlier else {
                // The same reading once more: agents keep one for some seconds.
                (links[index].receiveRate, links[index].sendRate) = (old.receiveRate, old.sendRate)
                continue
            }
            links[index].receiveRate = rate(links[index].receivedBytes, old.receivedBytes)
            links[index].sendRate = rate(links[index].sentBytes, old.sentBytes)
        }
    }
}

/// VDSM writes numbers as texts and as numbers.
extension JSONValue {
    fileprivate var real: Double? {
        let number: Double? =
            switch self {
            case .integer(let number): Double(number)
            case .number(let number): number
            case .string(let text): Double(text)
            case .null, .boolean, .array, .object: nil
            }
        return number.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }

    /// What a `Float` cannot hold would be infinite.
    fileprivate var share: Float? { real.map { Float($0) }.flatMap { $0.isFinite ? $0 : nil } }

    fileprivate var count: Int32? { real.flatMap { Int32(exactly: $0.rounded()) } }

    fileprivate var counter: UInt64? {
        switch self {
        case .integer(let number): UInt64(exactly: number)
        case .string(let text): UInt64(text)
        case .null, .boolean, .number, .array, .object: nil
        }
    }
}
