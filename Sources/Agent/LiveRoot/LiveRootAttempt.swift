import EngineClient
import FoundationEssentials
import Glibc
import HostModel
import Logging
import SystemPackage

/// One attempt after another at the same live root; what is downloaded already is kept from one to the next.
struct LiveRootAttempt: Sendable {
    private let settings: LiveRoot.Settings
    private let console: BootConsole
    private let logger: Logger
    private let assembly: RootAssembly
    private var partial: Partial?

    /// A root image on its way into memory.
    private struct Partial: Sendable {
        let root: ImageManifest.File
        let file: FileDescriptor
        var download: ResumingDownload
        var sink: FileSink
    }

    init(_ settings: LiveRoot.Settings, console: BootConsole, logger: Logger) {
        (self.settings, self.console, self.logger) = (settings, console, logger)
        assembly = RootAssembly(base: settings.base, sysroot: settings.sysroot)
    }

    mutating func run() async throws {
        let source = try source()
        let trust = try trust()
        try assembly.makeDirectories()
        assembly.takeDown()
        switch source {
        case .server(let folder): try await runFromServer(folder, trust)
        case .medium(let volumeID): try await runFromMedium(.volume(volumeID), trust)
        case .slot(let slot): try await runFromMedium(.slot(slot, disk: try disk()), trust)
        }
    }

    private func source() throws(LiveRootFailure) -> LiveImageSource {
        let arguments = KernelArguments(commandLine)
        do throws(KernelArgumentError) {
            return try LiveImageSource(parsing: arguments[LiveImageSource.argumentName] ?? "")
        } catch {
            throw LiveRootFailure(.argument, error.description, remedy: "correct the boot profile or the boot menu")
        }
    }

    private var commandLine: String {
        let line = (try? readFile(settings.commandLine, limit: KernelArguments.bytesMax)) ?? []
        return String(decoding: line, as: UTF8.self)
    }

    private func trust() throws(LiveRootFailure) -> ImageTrust {
        let text = (try? readFile(settings.certificates)) ?? []
        return try ImageTrust(pem: String(decoding: text, as: UTF8.self))
    }

    // MARK: From the boot server

    private mutating func runFromServer(_ folder: LiveImageFolder, _ trust: ImageTrust) async throws {
        try await BootNetworkWait(run: settings.run, seconds: settings.waitSeconds) { [console] in console.say($0) }
            .wait()
        console.say("the root image \(folder.name) \(folder.version) comes from \(folder.authority)")
        let meter = FetchMeter(console)
        let fetch = ImageFetch(folder: folder, query: bootQuery) { meter.tell($0) }
        let manifest = try await fetch.bytes(of: LiveImageSource.manifestName, limit: LiveImage.manifestBytesMax)
        let signature = try await fetch.bytes(of: LiveImageSource.signatureName, limit: ImageSignature.bytesMax)
        let image = try LiveImage(
            manifest: manifest,
            signature: signature,
            trusting: trust.certificates,
            for: .server(folder)
        )
        console.say("the image is signed by a key that this initramfs trusts")
        try checkAge(image)
        try await download(image.root, fetch)
        guard let file = partial?.file else { return }
        let overlay = MemoryNeed.overlay(memory)
        console.say("the root image is whole; \(overlay) MiB of memory for what is written")
        try assembly.assemble(file, image, overlayMebibytes: overlay)
    }

    private mutating func download(_ root: ImageManifest.File, _ fetch: ImageFetch) async throws {
        var current = try partial.flatMap { $0.root == root ? $0 : nil } ?? begin(root)
        do {
            try await fetch.root(root, &current.download, into: &current.sink)
        } catch {
            partial = current
            throw error
        }
        partial = current
    }

    private mutating func begin(_ root: ImageManifest.File) throws(LiveRootFailure) -> Partial {
        if let old = partial?.file { try? old.close() }
        partial = nil
        try MemoryNeed(rootBytes: root.size).check(memory)
        try assembly.mountImageStore(bytes: root.size)
        let path = assembly.image.appending(root.name)
        do {
            let file = try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
            return Partial(
                root: root,
                file: file,
                download: ResumingDownload(expectedSize: root.size, sizeMax: LiveImage.rootBytesMax),
                sink: FileSink(file)
            )
        } catch {
            throw LiveRootFailure(.system, "could not make \(path): \(error)", remedy: "try again")
        }
    }

    // MARK: From a medium

    private func disk() throws(LiveRootFailure) -> GUID {
        let value = KernelArguments(commandLine)[BootSlot.diskArgumentName] ?? ""
        guard let guid = GUID(value) else {
            throw LiveRootFailure(
                .argument,
                "\(BootSlot.diskArgumentName)=\(terminalEscaped(value)) is no GUID of a disk",
                remedy: "install the node again"
            )
        }
        return guid
    }

    private func runFromMedium(_ name: LiveMedium.Name, _ trust: ImageTrust) async throws {
        try MemoryNeed(rootBytes: 0).check(memory)
        let medium = LiveMedium(name: name, mountPoint: assembly.medium)
        let found = try await medium.find(seconds: settings.waitSeconds, trust) { [console] in console.say($0) }
        defer { try? found.file.close() }
        console.say("the root image \(found.image.name) \(found.image.version) is on \(found.device)")
        if case .volume = name { try checkAge(found.image) }
        let isChecked = KernelArguments(commandLine)[LiveImageSource.checkArgumentName] != nil
        if isChecked { console.say("checking every block of it (\(found.image.verity.dataSize >> 20) MiB)") }
        try assembly.assemble(
            found.file,
            found.image,
            checking: isChecked,
            overlayMebibytes: MemoryNeed.overlay(memory)
        )
    }

    /// A root that comes from elsewhere is not older than this initramfs. What was confirmed on the machine's disk, by
    /// another installation perhaps, says nothing of what it starts from the network.
    private func checkAge(_ image: LiveImage) throws(LiveRootFailure) {
        let title = "\(terminalEscaped(image.name.prefix(64))) \(terminalEscaped(image.version.prefix(64)))"
        let protection = RollbackProtection(state: nil)
        guard let refusal = protection.refusal(of: title, index: image.rollbackIndex) else { return }
        throw LiveRootFailure(.refused, refusal.message, remedy: refusal.remedy)
    }

    // MARK: The machine

    private var memory: MemoryInformation {
        MemoryInformation(meminfo: String(decoding: (try? readFile("/proc/meminfo")) ?? [], as: UTF8.self))
    }

    private var bootQuery: String { BootEventReport.query(KernelArguments(commandLine)) }

    /// Tells the boot server, which tells the engine. Without one that the image comes from it takes as long as the network.
    func report(_ failure: LiveRootFailure) async {
        switch try? source() {
        case .server(let folder):
            await BootEventReport(folder: folder, query: bootQuery).send(stage: "live_root", failure.message)
        case nil: return
        case .medium, .slot: await OwnRootReport(settings: settings, logger: logger).send(failure.message)
        }
    }
}
