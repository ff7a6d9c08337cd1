import HostModel
import NIOCore

/// One image file on its way to a machine, for the event at its end.
struct ImageTransfer: Sendable {
    var image: BootRoute.ImageFile
    var claim: BootRoute.Claim?
    var stage: BootEvent.Stage
    /// Nothing is told of an error's text, of an unchanged file, or of a part that is not the last.
    var isTold: Bool
    /// The whole file, or only its end.
    var isWhole = false
    /// The request comes from the machine that it names.
    var isFromItself = false
    var bytes: Int64
    var started: NIODeadline

    init(image: BootRoute.ImageFile, claim: BootRoute.Claim?, response: BootHTTPResponse, started: NIODeadline) {
        (self.image, self.claim, self.started, bytes) = (image, claim, started, response.length)
        stage = image.stage
        if image.isDescription {
            isTold = false
        } else if case .file(let file, let range) = response.body {
            (isTold, isWhole) = (range.upperBound == file.size, range == 0..<file.size)
        } else {
            isTold = false
        }
    }

    func event(isComplete: Bool) -> BootEvent? {
        guard let claim, isTold else { return nil }
        let file = "\(image.file) of \(image.name) \(image.version)"
        guard isComplete else { return event(of: claim, .failed, "stopped loading \(file)") }
        let seconds = Double((NIODeadline.now() - started).nanoseconds / 10_000_000) / 100
        let what = isWhole ? "loaded \(file)" : "loaded the end of \(file)"
        return event(of: claim, stage, "\(what), \(bytes) bytes in \(seconds) s")
    }

    private func event(of claim: BootRoute.Claim, _ stage: BootEvent.Stage, _ detail: String) -> BootEvent {
        let machine = claim.machine
        return BootEvent(
            mac: machine.mac,
            stage: stage,
            detail: isFromItself ? detail : detail + BootHTTPResponder.asked,
            address: machine.address,
            hardwareID: machine.hardwareID,
            // The initramfs is loaded last: with it the machine has all that the profile gives.
            outcome: isFromItself && stage == .initramfs ? claim.profile : nil
        )
    }
}

extension BootRoute.ImageFile {
    var stage: BootEvent.Stage {
        // A signed program has the initramfs in it.
        if file.contains("initr") || isProgram { return .initramfs }
        return isOfLiveRoot ? .root : .kernel
    }

    /// Kernel, initramfs and command line as one.
    var isProgram: Bool { file.hasSuffix(".efi") }

    /// Kernels and initramfs, by the names that the image builder gives them.
    var isForLoaders: Bool { file.hasPrefix("vmlinuz") || file.hasPrefix("initr") }

    /// The manifest and its signature: fetched before the root, and no step of their own.
    var isDescription: Bool { LiveImageSource.descriptionNames.contains(file) }

    /// What an initramfs fetches, once the machine was allowed to boot it.
    var isOfLiveRoot: Bool { isDescription || file.hasSuffix(".squashfs") }
}
