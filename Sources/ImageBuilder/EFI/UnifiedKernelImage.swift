import Crypto
import FoundationEssentials
import HostModel
import Recipes
import Signing
import SystemPackage

/// The first stage of an image as one signed EFI program: systemd's EFI stub with kernel, initramfs and command line as
/// sections of its file (UAPI group, "Unified Kernel Image"). UEFI firmware under Secure Boot checks one signature, and it
/// covers everything that checks the root image.
struct UnifiedKernelImage {
    static let stub: FilePath = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    /// The largest stub that is read, in bytes: Debian 12's has 83 KB.
    private static let stubBytesMax = 4 << 20
    /// Initialised data, to be read.
    private static let sectionFlags: UInt32 = 0x4000_0040

    var signer: ImageSigner
    /// Read when a build begins, so that the file and its share in the image's version are of the same bytes.
    var stub: [UInt8]
    var settings: UnifiedKernelSettings

    /// Throws what is missing on this machine, or for a signature.
    init(_ settings: UnifiedKernelSettings, signer: ImageSigner?) throws {
        guard let signer else {
            throw BuildError(
                .definition,
                "the image wants a signed EFI program, and there is no key to sign it",
                remedy: "muster image key create"
            )
        }
        guard exists(Self.stub) else {
            throw BuildError(
                .missingTool,
                "\(Self.stub) is not on this machine",
                remedy: "apt-get install systemd-boot-efi"
            )
        }
        (self.signer, self.settings) = (signer, settings)
        stub = try readBytes(Self.stub, limit: Self.stubBytesMax)
    }

    static func fileName(_ image: String) -> String { "\(image).efi" }

    /// What this program is made of beside the files that boot, for the image's version: another engine or another stub is
    /// another version.
    var identity: [String] { [Data(SHA256.hash(data: Data(stub))).base64EncodedString()] + settings.words }

    /// The words of the command line: nobody can add to them, or take one away.
    func commandLine(_ manifest: ImageManifest) throws -> KernelCommandLine {
        var words = manifest.kernelArguments + settings.arguments
        if manifest.file(.root) != nil {
            guard let server = settings.bootServer else {
                throw BuildError(
                    .definition,
                    "the signed EFI program does not know where its root image is",
                    remedy: "name the boot server in the definition: efi: {boot-server: ADDRESS}"
                )
            }
            words.append("\(LiveImageSource.argumentName)=http://\(server)/images/\(manifest.name)/\(manifest.version)")
        }
        do {
            return try KernelCommandLine(words + settings.engine.kernelArguments + ["ip=dhcp"])
        } catch {
            throw BuildError(.definition, "the signed command line: \(error)", remedy: error.remedy)
        }
    }

    /// Writes the program into the folder that holds kernel and initramfs, and gives its entry for the manifest.
    func write(_ manifest: ImageManifest, to folder: FilePath) throws -> ImageManifest.File {
        let name = Self.fileName(manifest.name)
        let release = """
            ID=muster
            IMAGE_ID=\(manifest.name)
            IMAGE_VERSION=\(manifest.version)
            PRETTY_NAME="\(manifest.name) \(manifest.version)"

            """
        let kernel = try readBytes(folder.appending(ImageOutput.kernelName), limit: EFIProgram.bytesMax)
        let initramfs = try readBytes(folder.appending(ImageOutput.initramfsName), limit: EFIProgram.bytesMax)
        let sections = [
            (".osrel", Array(release.utf8)), (".cmdline", Array(try commandLine(manifest).text.utf8)),
            (".uname", Array(manifest.kernelVersion.utf8)), (".initrd", initramfs), (".linux", kernel),
        ]
        let program = try signer.signed(program: try Self.assemble(stub, sections))
        try writeFile(program, to: folder.appending(name))
        let measured = try measure(folder.appending(name))
        return .init(name: name, role: .efi, size: measured.size, sha256: measured.sha256)
    }

    /// Puts sections behind those of the stub. What stands behind the stub's own, symbols and a signature, goes.
    static func assemble(_ stub: [UInt8], _ sections: [(name: String, bytes: [UInt8])]) throws -> [UInt8] {
        let place = try EFIProgram(stub)
        var headers = place.sectionTable + place.sectionCount * EFIProgram.sectionSize
        guard headers + sections.count * EFIProgram.sectionSize <= place.headersSize else {
            throw BuildError(
                .result,
                "the EFI stub has no room for \(sections.count) sections more",
                remedy: "use Debian 12's systemd-boot-efi"
            )
        }
        var program = Array(stub[..<place.sectionsEnd])
        program.reserveCapacity(sections.reduce(program.count) { $0 + $1.bytes.count + place.fileAlignment })
        func fill(to unit: Int) {
            program.append(contentsOf: [UInt8](repeating: 0, count: -program.count & (unit - 1)))
        }
        var memory = aligned(place.memoryEnd, place.sectionAlignment)
        for section in sections {
            fill(to: place.fileAlignment)
            let start = program.count
            program += section.bytes
            fill(to: place.fileAlignment)
            program.replace(at: headers, with: section.name.utf8)
            program.put(UInt32(section.bytes.count), at: headers + 8)
            program.put(UInt32(memory), at: headers + 12)
            program.put(UInt32(program.count - start), at: headers + 16)
            program.put(UInt32(start), at: headers + 20)
            program.put(sectionFlags, at: headers + 36)
            headers += EFIProgram.sectionSize
            memory = aligned(memory + section.bytes.count, place.sectionAlignment)
        }
        program.put(UInt16(place.sectionCount + sections.count), at: place.sectionCountField)
        program.put(UInt32(memory), at: place.sizeOfImage)
        program.put(UInt32(0), at: place.checksum)
        // There is no table of symbols any more: offset and number, behind the number of sections and the date.
        program.put(UInt64(0), at: place.sectionCountField + 6)
        program.put(UInt64(0), at: place.certificateEntry)
        return program
    }

    private static func aligned(_ value: Int, _ unit: Int) -> Int { (value + unit - 1) & ~(unit - 1) }
}
