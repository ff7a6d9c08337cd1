package import NIOCore

/// One TFTP packet (RFC 1350; options of RFC 2347).
package enum TFTPPacket: Hashable, Sendable {
    case readRequest(TFTPRequest)
    case writeRequest(TFTPRequest)
    case data(block: UInt16, ByteBuffer)
    case acknowledgement(block: UInt16)
    case error(TFTPErrorCode, message: [UInt8])
    case optionAcknowledgement([TFTPOption])
}

/// An option of a request or its answer. Names compare without case; the value may be empty.
package struct TFTPOption: Hashable, Sendable {
    /// As it stood on the wire.
    package var name: [UInt8]
    package var value: [UInt8]

    package init(name: [UInt8], value: [UInt8]) { (self.name, self.value) = (name, value) }

    package init(_ name: TFTPOptionName, _ value: some BinaryInteger) {
        self.init(name: Array(name.rawValue.utf8), value: Array(String(value).utf8))
    }

    /// The option this is, if we know it.
    package var known: TFTPOptionName? {
        TFTPOptionName(rawValue: String(decoding: name, as: UTF8.self).lowercased())
    }

    /// The value as a number without sign; `nil` for anything else, or more than 64 bits.
    package var number: UInt64? {
        guard !value.isEmpty, value.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt64(String(decoding: value, as: UTF8.self))
    }
}

package enum TFTPOptionName: String, Hashable, Sendable {
    /// RFC 2348.
    case blockSize = "blksize"
    /// RFC 2349.
    case transferSize = "tsize"
    /// RFC 2349, seconds.
    case timeout
    /// RFC 7440, blocks.
    case windowSize = "windowsize"
}

package struct TFTPErrorCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let undefined = Self(rawValue: 0)
    package static let fileNotFound = Self(rawValue: 1)
    package static let accessViolation = Self(rawValue: 2)
    package static let illegalOperation = Self(rawValue: 4)
    package static let unknownTransferID = Self(rawValue: 5)
    /// RFC 2347: the client does not like the options acknowledged.
    package static let optionsRefused = Self(rawValue: 8)
}

/// A read or write request.
package struct TFTPRequest: Hashable, Sendable {
    package enum Mode: Hashable, Sendable {
        case octet
        case netascii
        /// `mail` and whatever else.
        case unknown([UInt8])
    }

    /// The name as it came: hostile until it is a `TFTPPath`.
    package var fileName: [UInt8]
    package var mode: Mode
    /// In the order of the request.
    package var options: [TFTPOption]

    package init(fileName: [UInt8], mode: Mode = .octet, options: [TFTPOption] = []) {
        (self.fileName, self.mode, self.options) = (fileName, mode, options)
    }

    /// The most bytes of a file name.
    package static let fileNameMax = 512
    /// The most options kept of one request; real clients send at most six.
    package static let optionsMax = 16
}

/// Why bytes are not a TFTP packet.
package enum TFTPWireError: Error, Hashable {
    case truncated
    case unknownOperation(UInt16)
    case fileNameTooLong(Int)
}

extension TFTPWireError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated: "the packet ends too early"
        case .unknownOperation(let code): "operation \(code) is not of TFTP"
        case .fileNameTooLong(let length): "a file name of \(length) bytes is too long"
        }
    }
}
