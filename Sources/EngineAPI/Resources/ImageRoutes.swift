import Engine
import HTTPTypes
import HostModel
import Hummingbird
import NIOCore

/// `nodeimages`: versions of images, their upload in resumable pieces, and which one is active.
struct ImageRoutes {
    let engine: HostEngine

    /// The largest file of an image, in bytes.
    static let fileMax: Int64 = 10 << 30

    private struct Activation: Decodable, WireDocument {
        static let element = "action"
        var version: String
    }

    func add(to api: some RouterMethods<APIContext>) {
        addVersions(to: api.group("nodeimages"))
        addFiles(to: api.group("nodeimages/:name/:version/:file"))
    }

    private func addVersions(to images: some RouterMethods<APIContext>) {
        images.get(.list("Versions of images", NodeImageCollection.self)) { _, context in
            try await context.answer(NodeImageCollection(await engine.images().map(NodeImageResource.init)))
        }
        images.get(":name/:version", .show("A version of an image", NodeImageResource.self)) { _, context in
            let place = try ImagePlace(context)
            let found = try await engine.images().first { $0.name == place.name && $0.version == place.version }
            guard let found else { throw place.missing }
            return try await context.answer(NodeImageResource(found))
        }
        images.put(
            ":name/:version",
            .add("Opens the upload of a version, or finds it", ImageManifest.self, NodeImageResource.self)
        ) { request, context in
            let place = try ImagePlace(context)
            let manifest = try await request.read(ImageManifest.self)
            guard manifest.name == place.name, manifest.version == place.version else {
                throw Fault(
                    .badRequest,
                    "The manifest is of another image or version than the path.",
                    remedy: "Use the manifest's name and version in the path."
                )
            }
            if let file = manifest.files.first(where: { $0.size > Self.fileMax }) {
                throw Fault(.badRequest, "\(file.name) is over 10 GiB.", remedy: "Make the image smaller.")
            }
            return try await context.created(NodeImageResource(engine.openUpload(manifest)))
        }
        images.action(
            ":name/:version/publish",
            Call("Publishes a version whose files are all there", [.ok(NodeImageResource.self)])
        ) { _, context in
            let place = try ImagePlace(context)
            let image = try await engine.publish(image: place.name, version: place.version, by: context.user)
            return try await context.answer(NodeImageResource(image))
        }
        images.action(
            ":name/activate",
            Call(
                "Makes a version the one that is used",
                [.ok(NodeImageResource.self)],
                body: .init(content: .value(Activation.self))
            )
        ) { request, context in
            let version = try await request.read(Activation.self).version
            let place = try ImagePlace(name: context.parameters.require("name"), version: version)
            let image = try await engine.activate(image: place.name, version: place.version, by: context.user)
            return try await context.answer(NodeImageResource(image))
        }
    }

    private func addFiles(to file: some RouterMethods<APIContext>) {
        file.head(Call("How much of a file was received: Content-Length", [.nothing(200, "So much")])) { _, context in
            let place = try ImagePlace(context)
            let received = try await engine.receivedBytes(
                image: place.name,
                version: place.version,
                file: place.file(context)
            )
            return Response(status: .ok, headers: [.contentLength: String(received)])
        }
        file.put(
            Call("Appends to a file", [.nothing(204, "Taken")], body: .init(content: .bytes), refusals: [411, 416])
        ) { request, context in
            let place = try ImagePlace(context)
            let name = try place.file(context)
            guard !LiveImageSource.descriptionNames.contains(name) else {
                let bytes = try await request.bytes(limit: BodyLimit.resource)
                try await engine.putDescription(image: place.name, version: place.version, file: name, bytes: bytes)
                return Response(status: .noContent)
            }
            let range = try ContentRange(request.headers)
            guard range.total <= Self.fileMax else { throw Fault.tooLarge(limit: Int(Self.fileMax)) }
            var upload = FileUpload(engine: engine, place: place, file: name, range: range)
            try await upload.receive(request.body)
            return Response(status: .noContent)
        }
    }
}

/// Image and version as the path names them: both safe as names of files.
struct ImagePlace: Hashable, Sendable {
    let name: String
    let version: String

    init(name: String, version: String) throws(Fault) {
        (self.name, self.version) = (name, version)
        guard ImageReference(name: name, version: version) != nil else { throw missing }
    }

    init(_ context: APIContext) throws {
        try self.init(name: context.parameters.require("name"), version: context.parameters.require("version"))
    }

    var missing: Fault {
        .notFound(
            "There is no image \(name.prefix(63))@\(version.prefix(63)).",
            remedy: "GET nodeimages lists them."
        )
    }

    func file(_ context: APIContext) throws -> String {
        let file = try context.parameters.require("file")
        guard ImageReference.isComponent(file) else {
            throw Fault.notFound("\(file.prefix(63)) is no name of a file.", remedy: "Use the names of the manifest.")
        }
        return file
    }
}

extension NodeImageResource {
    init(_ record: ImageRecord) {
        self.init(
            name: record.name,
            version: record.version,
            href: ResourcePath.href("nodeimages", "\(record.name)/\(record.version)"),
            state: record.state.rawValue,
            active: record.isActive,
            created: WireTime.text(milliseconds: record.created),
            manifest: record.manifest
        )
    }
}
