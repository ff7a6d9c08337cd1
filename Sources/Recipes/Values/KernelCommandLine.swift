package import HostModel

/// The words of a kernel command line, every one safe in an iPXE script, in a GRUB configuration and for the kernel.
package struct KernelCommandLine: Hashable, Sendable {
    package private(set) var words: [String] = []

    /// x86 kernels read 2,048 bytes with the final NUL (arch/x86/include/asm/setup.h, COMMAND_LINE_SIZE).
    package static let bytesMax = 2047

    /// Refuses the first word that is unsafe, and a line that is too long.
    package init(_ words: [String]) throws(RecipeError) {
        for word in words { try append(word) }
    }

    /// The words separated by one blank.
    package var text: String { words.joined(separator: " ") }

    package mutating func append(_ word: String) throws(RecipeError) {
        if let reason = Self.reasonToRefuse(word) { throw .unsafeArgument(value: word, reason: reason) }
        let bytes = words.reduce(word.utf8.count) { $0 + $1.utf8.count + 1 }
        guard bytes <= Self.bytesMax else { throw .commandLineTooLong(bytes: bytes, limit: Self.bytesMax) }
        words.append(word)
    }

    /// True when a word sets this parameter: `ip`, `ip=dhcp`.
    package func sets(_ name: String) -> Bool { words.contains { $0 == name || $0.hasPrefix(name + "=") } }

    private static func reasonToRefuse(_ word: String) -> String? {
        guard !word.isEmpty else { return "is empty" }
        guard word.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return "has a blank, a control character, or one outside ASCII"
        }
        for sign in ["${", "$(", "&&", "||", "#", ";", "`", "{{", "\\", "\"", "'"] where word.contains(sign) {
            return "has \(sign), which a boot script would act on"
        }
        return nil
    }
}

extension KernelCommandLine {
    /// The line of a node: the image's words, the profile's, then what the boot server knows. A word of the profile that
    /// says where the engine is, or how the address is got, takes the place of ours.
    ///
    /// EFI kernels look their initramfs up by name (`initrd=`); the name is the one that the script gives it. `root` is
    /// the folder of the image whose root file the node fetches; `nil` when the initramfs is all.
    package static func node(
        image: [String],
        profile: [String],
        engine: EngineLocation?,
        mac: MACAddress,
        firmware: BootFirmware,
        initramfs: String,
        root: String? = nil
    ) throws(RecipeError) -> KernelCommandLine {
        var line = try KernelCommandLine(image + profile)
        if let root, !line.sets(LiveImageSource.argumentName) {
            try line.append("\(LiveImageSource.argumentName)=\(root)")
        }
        if let engine, !line.sets("management_server") {
            for word in engine.kernelArguments { try line.append(word) }
        }
        if !line.sets("BOOTIF") { try line.append("BOOTIF=01-\(mac.hyphenated)") }
        if !line.sets("ip") { try line.append("ip=dhcp") }
        if firmware != .bios { try line.append("initrd=\(initramfs)") }
        return line
    }
}
