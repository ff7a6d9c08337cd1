/// The kernel command line of a slot: the file `/muster/slot.cfg`, which the disk's boot menu reads.
package struct SlotArguments: Hashable, Sendable {
    /// A word that GRUB or the kernel cannot be given; the end of a sentence.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Words of the site and the machine, which go from one image to the next.
    package let site: [String]
    /// All words, in the order of the line.
    package let words: [String]

    /// The longest line, in bytes; the menu adds a few words (the kernel's limit is 2048 on x86).
    package static let bytesMax = 1900

    /// `image` are the words of the manifest; `hasRoot` of an image with a root file.
    package init(
        image: [String],
        site: [String],
        slot: BootSlot,
        disk: GUID,
        hasRoot: Bool
    ) throws(Refusal) {
        let own =
            (hasRoot ? ["muster.image=slot:\(slot.rawValue)"] : [])
            + ["\(BootSlot.diskArgumentName)=\(disk)", "panic=\(Self.panicSeconds)"]
        let taken = Set(image)
        let kept = site.filter { !taken.contains($0) }
        (self.site, words) = (kept, image + kept + own)
        for word in words where !Self.isSafe(word) {
            throw Refusal(description: "the kernel argument \(terminalEscaped(word)) has a quote, a blank or a control")
        }
        guard words.reduce(0, { $0 + $1.utf8.count + 1 }) <= Self.bytesMax else {
            throw Refusal(description: "the kernel arguments are over \(Self.bytesMax) bytes")
        }
    }

    /// A kernel that panics comes back, and the boot menu counts the try.
    private static let panicSeconds = 30

    /// Words of a boot that hold for that boot only: where it came from, what it was to do.
    private static let transient: Set<String> = [
        "BOOT_IMAGE", "initrd", "BOOTIF", "muster.image", "muster.install", "muster.wipe", "muster.install-image",
        "muster.slot", "muster.token", "muster.trial", "muster.disk", "muster.check", "muster.state", "panic", "rdinit",
        "init",
    ]

    /// What of a running system's command line goes to the disk.
    package static func site(of arguments: KernelArguments) -> [String] {
        arguments.words.filter { !transient.contains($0.name) }
            .map { word in word.value.map { "\(word.name)=\($0)" } ?? word.name }
    }

    /// Printable ASCII without blanks, quotes and what GRUB's words end at.
    private static func isSafe(_ word: String) -> Bool {
        !word.isEmpty && word.utf8.allSatisfy { (33...126).contains($0) && $0 != 34 && $0 != 39 && $0 != 92 }
    }

    /// The text of `slot.cfg`. Single quotes keep every sign as it is, `$` among them.
    package var text: String {
        "# Kernel arguments of this slot, read by /boot/grub/grub.cfg of the EFI system partition.\n"
            + "set muster_arguments='\(words.joined(separator: " "))'\n"
    }

    /// The words of the site in one line, as the next upgrade reads them.
    package var siteText: String { site.joined(separator: " ") + "\n" }
}
