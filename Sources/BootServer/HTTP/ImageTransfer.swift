import HostModel
import NIOCore

/// One image file on its way to a machine, for the event at its end.
struct ImageTransfer: Sendable {
    var image: BootRoute.ImageFile
    var machine: BootRequest?
    var stage: BootEvent.Stage
    /// Nothing is told of an error's text, of an unchanged file, or of a part that is not the last.
    var isTold: Bool
    var bytes: Int64
    var started: NIODeadline

    init(image: BootRoute.ImageFile, machine: BootRequest?, response: BootHTTPResponse, started: NIODeadline) {
        (self.image, self.machine, self.started, bytes) = (image, machine, started, response.length)
        stage = image.stage
        if image.isDescription {
            isTold = false
        } else if case .file(let file, let range) = response.body {
            isTold = range.upperBound == file.size
        } else {
            isTold = false
        }
    }

    func event(isComplete: Bool) -> BootEvent? {
        guard let machine, isTold else { return nil }
        let file = "\(image.file) of \(image.name) \(image.version)"
        guard isComplete else {
            let detail = "stopped loading \(file)"
            return BootEvent(mac: machine.mac, stage: .failed, detail: detail, address: machine.address)
        }
        let seconds = Double((NIODeadline.now() - started).nanoseconds / 10_000_000) / 100
        let detail = "loaded \(file), \(bytes) bytes in \(seconds) s"
        return BootEvent(mac: machine.mac, stage: stage, detail: detail, address: machine.address)
    }
}

extension BootRoute.ImageFile {
    var stage: BootEvent.Stage {
        if file.contains("initr") { return .initramfs }
        return isOfLiveRoot ? .root : .kernel
    }

    /// The manifest and its signature: fetched before the root, and no step of their own.
    var isDescription: Bool { LiveImageSource.descriptionNames.contains(file) }

    /// What an initramfs fetches, once the machine was allowed to boot it.
    var isOfLiveRoot: Bool { isDescription || file.hasSuffix(".squashfs") }
}
