import ArgumentParser
import EngineClient
import HostModel

struct ImageList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the images that the engine has.",
        aliases: ["ls"]
    )

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let images = try await options.withSession { try await $0.images() }
        output.show(images, as: imageTable(images, .current))
    }
}

/// `muster image list`.
func imageTable(_ images: [NodeImageResource], _ style: Style) -> Table {
    let rows = images.map { image in
        let size = image.manifest.files.reduce(0) { $0 + $1.size }
        return [
            Cell(image.name), Cell(image.version), Cell(image.state, image.state == "published" ? .good : .waiting),
            Cell(image.active ? "yes" : ""), Cell(mebibytes(size)), Cell(image.manifest.kernelVersion),
            Cell(LocalTime.text(image.created, style)),
        ]
    }
    return Table(
        header: ["NAME", "VERSION", "STATE", "ACTIVE", "SIZE", "KERNEL", "CREATED"],
        rows: rows,
        ifEmpty: "There are no images yet: muster image build, then muster image publish."
    )
}

/// `12.3 MiB`.
func mebibytes(_ bytes: Int64) -> String {
    let tenths = (bytes * 10 + 1 << 19) >> 20
    return "\(tenths / 10).\(tenths % 10) MiB"
}
