import SystemPackage

/// A kernel's file, as far as a build looks into it (Documentation/arch/x86/boot.rst).
enum KernelImage {
    /// Where the setup header begins with "HdrS".
    private static let headerOffset: Int64 = 0x202
    private static let magic = Array("HdrS".utf8)
    /// Where a PE header's machine stands, after its signature.
    private static let peOffset: Int64 = 0x3C
    private static let arm64: [UInt8] = [0x64, 0xAA]
    /// Smaller files are placeholders, as the project's own tests have them.
    private static let smallest: Int64 = 1 << 20

    /// Refuses what an x86 machine cannot boot: what is no bzImage, an arm64 Image.
    static func check(_ file: FilePath) throws {
        guard try fileSize(file) >= smallest else { return }
        let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
        defer { try? descriptor.close() }
        if try read(descriptor, at: headerOffset, count: 4) == magic { return }
        let pointer = try read(descriptor, at: peOffset, count: 4)
        let pe = pointer.reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
        let machine = try read(descriptor, at: pe + 4, count: 2)
        throw BuildError(
            .packages,
            machine == arm64 ? "the kernel is one for arm64" : "the kernel is no bzImage",
            remedy: "take the kernel's package for x86_64 (amd64)"
        )
    }

    private static func read(_ file: FileDescriptor, at offset: Int64, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            done = try file.read(fromAbsoluteOffset: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
