import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import NIOCore
import XMLWire

/// A collection of the REST API of which there may be thousands: it is written in stretches, by several tasks.
protocol LongList: Encodable, WireDocument, SendableMetatype {
    associatedtype Item: Encodable & WireDocument & SendableMetatype
    init(_ items: [Item])
    /// The one key of its JSON form; in XML each item's element.
    static var key: String { get }
}

extension HostCollection: LongList { static var key: String { HostResource.element } }

extension APIContext {
    /// The collection of what `item` makes of each record, in the form that the client asked for.
    func answer<List: LongList, Records: RandomAccessCollection & Sendable>(
        _ list: List.Type,
        of records: Records,
        _ item: @escaping @Sendable (Records.Element) -> List.Item
    ) async throws -> Response where Records.SubSequence: Sendable, Records.Index == Int {
        guard follow.isEmpty, !records.isEmpty else { return try await answer(List(records.map(item))) }
        assertDescribed(List.self)
        let format = format
        let parts = try await records.inParallel { part in
            switch format {
            case .json: try Response.encoder.encode(part.map(item)).dropFirst().dropLast()
            case .xml: Data(try XMLEncoder().encode(part.map(item), each: List.key))
            }
        }
        return Self.assemble(List.self, parts, format)
    }

    private static func assemble<List: LongList>(_ list: List.Type, _ parts: [Data], _ format: WireFormat) -> Response {
        let (begin, end, type) =
            switch format {
            case .json: ("{\"\(List.key)\":[", "]}", "application/json")
            case .xml: ("\(XMLEncoder.head)<\(List.element)>", "</\(List.element)>", "application/xml;charset=UTF-8")
            }
        var body = ByteBuffer()
        body.reserveCapacity(parts.reduce(begin.utf8.count + end.utf8.count) { $0 + $1.count + 1 })
        body.writeString(begin)
        for (index, part) in parts.enumerated() {
            if index > 0, format == .json { body.writeString(",") }
            body.writeBytes(part)
        }
        body.writeString(end)
        return Response(status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: body))
    }
}
