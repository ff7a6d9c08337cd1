/// One of the two places of an installed disk that an image can stand in.
package enum BootSlot: String, Hashable, Sendable, Codable, CaseIterable {
    case a, b

    package var other: BootSlot { self == .a ? .b : .a }

    /// Kernel argument: the slot that was booted, added by the disk's boot menu.
    package static let argumentName = "muster.slot"
    /// Kernel argument without a value: the slot is on trial.
    package static let trialArgumentName = "muster.trial"
    /// Kernel argument: the GUID of the disk that slot and state are on.
    package static let diskArgumentName = "muster.disk"
}
