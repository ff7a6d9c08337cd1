/// Which image a node runs, and from where: the member `musterImage` of getCapabilities. Hostile text, as all that a node
/// says of itself.
package struct NodeImageReport: Hashable, Sendable, Codable {
    /// The image that runs; empty where the node does not know.
    package var name = HostileText("")
    package var version = HostileText("")
    /// `a` or `b`; `nil` for a node that does not run from a disk of ours.
    package var slot: String?
    /// The slot that runs is on trial: it is not known yet to be good.
    package var isTrial = false
    /// Both slots, by name; empty without a disk of ours.
    package var slots: [String: ImageSlot] = [:]
    /// The last time that a new image did not come up.
    package var fallBack: FallBack?

    /// A slot that was tried and given up.
    package struct FallBack: Hashable, Sendable, Codable {
        package var version = HostileText("")
        package var slot: String?
        /// Why, where the node knows.
        package var reason: HostileText?

        package init(version: HostileText = HostileText(""), slot: String? = nil, reason: HostileText? = nil) {
            (self.version, self.slot, self.reason) = (version, slot, reason)
        }
    }

    package init() {}

    /// The slot that does not run; `nil` without a disk of ours.
    package var otherSlot: ImageSlot? { slot.flatMap { slots[$0 == "a" ? "b" : "a"] } }

    private enum CodingKeys: String, CodingKey {
        case name, version, slot
        case isTrial = "trial"
        case slots
        case fallBack = "fallback"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decodeIfPresent(HostileText.self, forKey: .name) ?? HostileText("")
        version = try values.decodeIfPresent(HostileText.self, forKey: .version) ?? HostileText("")
        let all = try values.decodeIfPresent([String: ImageSlot].self, forKey: .slots) ?? [:]
        slots = all.filter { ImageSlot.names.contains($0.key) }
        slot = try values.decodeIfPresent(String.self, forKey: .slot).flatMap {
            ImageSlot.names.contains($0) ? $0 : nil
        }
        isTrial = try values.decodeIfPresent(Bool.self, forKey: .isTrial) ?? false
        fallBack = try values.decodeIfPresent(FallBack.self, forKey: .fallBack)
    }
}

extension NodeImageReport.FallBack {
    private enum CodingKeys: String, CodingKey { case version, slot, reason }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        version = try values.decodeIfPresent(HostileText.self, forKey: .version) ?? HostileText("")
        slot = try values.decodeIfPresent(String.self, forKey: .slot)
        reason = try values.decodeIfPresent(HostileText.self, forKey: .reason)
    }
}

extension NodeImageReport {
    /// What the kernel arguments alone tell: `muster.image=http://SERVER/…/NAME/VERSION` of a node that runs from memory,
    /// `muster.image=slot:a` and `muster.trial` of one that runs from its disk.
    package init(_ arguments: KernelArguments) {
        self.init()
        let source = arguments[LiveImageSource.argumentName] ?? ""
        if source.hasPrefix("slot:"), ImageSlot.names.contains(String(source.dropFirst(5))) {
            slot = String(source.dropFirst(5))
            isTrial = arguments["muster.trial"] != nil
        } else if let folder = try? LiveImageFolder(parsing: source) {
            (name, version) = (HostileText(folder.name), HostileText(folder.version))
        }
    }

    /// The same with what `muster-agent slots --json` knows of the disk.
    package mutating func add(_ disk: DiskSlots) {
        slots = disk.slots
        fallBack = disk.fallBack
        guard let running = disk.running ?? slot, let image = disk.slots[running] else { return }
        (slot, name, version) = (running, image.name, image.version)
        isTrial = disk.isTrial ?? (image.state == .trial)
        guard fallBack == nil, let other = otherSlot, other.state == .failed else { return }
        fallBack = FallBack(version: other.version, slot: running == "a" ? "b" : "a")
    }
}

/// The answer of `muster-agent slots --json`.
package struct DiskSlots: Hashable, Sendable, Codable {
    /// `nil` for a node that does not run from a disk of ours.
    package var running: String?
    package var isTrial: Bool?
    package var slots: [String: ImageSlot] = [:]
    package var fallBack: NodeImageReport.FallBack?

    private enum CodingKeys: String, CodingKey {
        case running
        case isTrial = "trial"
        case slots
        case fallBack = "fallback"
    }

    package init() {}

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let all = try values.decodeIfPresent([String: ImageSlot].self, forKey: .slots) ?? [:]
        slots = all.filter { ImageSlot.names.contains($0.key) }
        running = try values.decodeIfPresent(String.self, forKey: .running).flatMap { slots[$0] == nil ? nil : $0 }
        isTrial = try values.decodeIfPresent(Bool.self, forKey: .isTrial)
        fallBack = try values.decodeIfPresent(NodeImageReport.FallBack.self, forKey: .fallBack)
    }
}
