/// GRUB's environment block (`grub-editenv`; grub-core/lib/envblk.c): 1024 bytes, a first line, `name=value` lines, `#` to
/// the end. The boot menu of an installed disk counts a slot's tries in it.
///
///     muster_slot=a      the slot that is known to be good
///     muster_try=b       the slot on trial, where there is one
///     muster_left=3      how often it may still be tried
package struct BootEnvironment: Hashable, Sendable {
    package static let size = 1024
    /// How often a slot on trial is booted before it counts as failed.
    package static let triesMax = 3
    private static let signature = "# GRUB Environment Block\n"
    /// What is written stays in the first sector, so that a power cut in the middle cannot mix two contents.
    private static let contentMax = 512

    package var good: BootSlot
    package var trial: BootSlot?
    /// Tries that are left; 0 of a trial that failed.
    package var left: Int

    package init(good: BootSlot, trial: BootSlot? = nil, left: Int = 0) {
        (self.good, self.trial, self.left) = (good, trial, left)
    }

    /// `nil` for what is no environment block. Values that nobody could have meant count as unset, as for the boot menu:
    /// without a good slot it boots slot a.
    package init?(parsing bytes: [UInt8]) {
        guard Self.isBlock(bytes) else { return nil }
        var values: [String: String] = [:]
        for line in String(decoding: bytes.dropFirst(Self.signature.utf8.count), as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
        }
        good = values["muster_slot"].flatMap(BootSlot.init) ?? .a
        trial = values["muster_try"].flatMap(BootSlot.init)
        left = trial == nil ? 0 : values["muster_left"].flatMap { Int($0) }.map { min(max($0, 0), Self.triesMax) } ?? 0
    }

    package static func isBlock(_ bytes: [UInt8]) -> Bool {
        bytes.count == size && bytes.starts(with: signature.utf8)
    }

    package var bytes: [UInt8] {
        var text = Self.signature + "muster_slot=\(good.rawValue)\n"
        if let trial { text += "muster_try=\(trial.rawValue)\nmuster_left=\(left)\n" }
        let content = Array(text.utf8)
        return content + [UInt8](repeating: UInt8(ascii: "#"), count: Self.size - content.count)
    }

    /// A slot that was just written is to be tried.
    package func trying(_ slot: BootSlot) -> BootEnvironment {
        BootEnvironment(good: slot == good ? slot.other : good, trial: slot, left: Self.triesMax)
    }

    /// The running slot is good; a trial of the other one stays.
    package func confirming(_ slot: BootSlot) -> BootEnvironment {
        trial == slot || good != slot ? BootEnvironment(good: slot) : self
    }

    /// The trial is over and failed.
    package var givingUp: BootEnvironment { BootEnvironment(good: good, trial: trial, left: 0) }
}
