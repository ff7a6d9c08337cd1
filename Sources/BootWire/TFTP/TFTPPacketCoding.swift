package import NIOCore

extension TFTPPacket {
    private enum Operation: UInt16 {
        case readRequest = 1
        case writeRequest
        case data
        case acknowledgement
        case error
        case optionAcknowledgement
    }

    /// Reads one datagram's payload. Junk behind a complete packet is ignored, as every server does.
    package init(parsing datagram: ByteBuffer) throws(TFTPWireError) {
        var buffer = datagram
        guard let code = buffer.readInteger(as: UInt16.self) else { throw .truncated }
        switch Operation(rawValue: code) {
        case .readRequest: self = .readRequest(try buffer.readTFTPRequest())
        case .writeRequest: self = .writeRequest(try buffer.readTFTPRequest())
        case .data:
            guard let block = buffer.readInteger(as: UInt16.self) else { throw .truncated }
            self = .data(block: block, buffer)
        case .acknowledgement:
            guard let block = buffer.readInteger(as: UInt16.self) else { throw .truncated }
            self = .acknowledgement(block: block)
        case .error:
            guard let code = buffer.readInteger(as: UInt16.self) else { throw .truncated }
            // Some firmware forgets the NUL.
            let message = buffer.readTFTPText() ?? Array(buffer.readableBytesView)
            self = .error(TFTPErrorCode(rawValue: code), message: message)
        case .optionAcknowledgement: self = .optionAcknowledgement(buffer.readTFTPOptions())
        case nil: throw .unknownOperation(code)
        }
    }

    package var encoded: ByteBuffer {
        var buffer = ByteBuffer()
        switch self {
        case .readRequest(let request): buffer.writeRequest(request, operation: Operation.readRequest.rawValue)
        case .writeRequest(let request): buffer.writeRequest(request, operation: Operation.writeRequest.rawValue)
        case .data(let block, let payload):
            buffer.writeMultipleIntegers(Operation.data.rawValue, block)
            buffer.writeImmutableBuffer(payload)
        case .acknowledgement(let block):
            buffer.writeMultipleIntegers(Operation.acknowledgement.rawValue, block)
        case .error(let code, let message):
            buffer.writeMultipleIntegers(Operation.error.rawValue, code.rawValue)
            buffer.writeTFTPText(message)
        case .optionAcknowledgement(let options):
            buffer.writeInteger(Operation.optionAcknowledgement.rawValue)
            buffer.writeTFTPOptions(options)
        }
        return buffer
    }
}

extension ByteBuffer {
    /// The bytes up to the next NUL, which is taken too; `nil` when there is none.
    fileprivate mutating func readTFTPText() -> [UInt8]? {
        guard let end = readableBytesView.firstIndex(of: 0) else { return nil }
        let text = readBytes(length: end - readerIndex)
        moveReaderIndex(forwardBy: 1)
        return text
    }

    fileprivate mutating func readTFTPRequest() throws(TFTPWireError) -> TFTPRequest {
        guard let name = readTFTPText(), let mode = readTFTPText() else { throw .truncated }
        guard name.count <= TFTPRequest.fileNameMax else { throw .fileNameTooLong(name.count) }
        return TFTPRequest(fileName: name, mode: TFTPRequest.Mode(mode), options: readTFTPOptions())
    }

    /// Whole pairs only: a name without a value, or a value without its NUL, is not an option.
    fileprivate mutating func readTFTPOptions() -> [TFTPOption] {
        var options: [TFTPOption] = []
        while options.count < TFTPRequest.optionsMax, let name = readTFTPText(), let value = readTFTPText() {
            options.append(TFTPOption(name: name, value: value))
        }
        return options
    }

    fileprivate mutating func writeTFTPText(_ text: [UInt8]) {
        writeBytes(text)
        writeInteger(UInt8(0))
    }

    fileprivate mutating func writeRequest(_ request: TFTPRequest, operation: UInt16) {
        writeInteger(operation)
        writeTFTPText(request.fileName)
        writeTFTPText(request.mode.bytes)
        writeTFTPOptions(request.options)
    }

    fileprivate mutating func writeTFTPOptions(_ options: [TFTPOption]) {
        for option in options {
            writeTFTPText(option.name)
            writeTFTPText(option.value)
        }
    }
}

extension TFTPRequest.Mode {
    fileprivate init(_ bytes: [UInt8]) {
        switch String(decoding: bytes, as: UTF8.self).lowercased() {
        case "octet": self = .octet
        case "netascii": self = .netascii
        default: self = .unknown(bytes)
        }
    }

    fileprivate var bytes: [UInt8] {
        switch self {
        case .octet: Array("octet".utf8)
        case .netascii: Array("netascii".utf8)
        case .unknown(let bytes): bytes
        }
    }
}
