import HostModel
package import NIOCore

extension DHCPPacket {
    /// Reads one datagram's payload. Never reads past it, whatever the lengths in it say.
    package init(parsing datagram: ByteBuffer) throws(DHCPWireError) {
        var buffer = datagram
        let short = DHCPWireError.shorterThanHeader(length: datagram.readableBytes)
        guard buffer.readableBytes >= Self.headerLength,
            let first = buffer.readMultipleIntegers(as: (UInt8, UInt8, UInt8, UInt8).self),
            let second = buffer.readMultipleIntegers(as: (UInt32, UInt16, UInt16).self),
            let addresses = buffer.readMultipleIntegers(as: (UInt32, UInt32, UInt32, UInt32).self),
            let hardwareAddress = buffer.readBytes(length: Self.hardwareAddressLength),
            let serverName = buffer.readSlice(length: Self.serverNameLength),
            let bootFile = buffer.readSlice(length: Self.bootFileLength),
            let cookie = buffer.readInteger(as: UInt32.self)
        else { throw short }
        guard let operation = Operation(rawValue: first.0) else { throw .badOperation(first.0) }
        guard first.2 <= Self.hardwareAddressLength else { throw .badHardwareLength(first.2) }
        guard cookie == Self.cookie else { throw .badCookie(cookie) }

        var fields = OptionFields()
        try fields.read(buffer)
        let overload = fields.takeOverload()
        if overload.file { try fields.read(bootFile) }
        if overload.serverName { try fields.read(serverName) }

        self.init(
            operation: operation,
            hardware: (first.1, first.2, hardwareAddress),
            options: fields.options
        )
        (hops, transactionID, seconds, flags) = (first.3, second.0, second.1, second.2)
        clientAddress = IPv4Address(rawValue: addresses.0)
        yourAddress = IPv4Address(rawValue: addresses.1)
        nextServer = IPv4Address(rawValue: addresses.2)
        relayAddress = IPv4Address(rawValue: addresses.3)
        self.serverName = overload.serverName ? [] : Array(serverName.readableBytesView.prefix { $0 != 0 })
        self.bootFile = overload.file ? [] : Array(bootFile.readableBytesView.prefix { $0 != 0 })
    }
}

/// The options of one message, gathered from up to three fields (RFC 2131, section 4.1) and joined (RFC 3396).
private struct OptionFields {
    private var order: [DHCPOptionCode] = []
    private var payloads: [DHCPOptionCode: [UInt8]] = [:]

    /// Reads one field up to the end mark or its last byte: some firmware forgets the mark.
    mutating func read(_ field: ByteBuffer) throws(DHCPWireError) {
        var field = field
        while let code = field.readInteger(as: UInt8.self).map(DHCPOptionCode.init(rawValue:)), code != .end {
            if code == .pad { continue }
            guard let piece = field.readLengthPrefixedSlice(as: UInt8.self) else { throw .truncatedOption(code) }
            if payloads[code] == nil { order.append(code) }
            payloads[code, default: []].append(contentsOf: piece.readableBytesView)
        }
    }

    /// Which of `file` and `sname` hold options too, and forgets that it was said. Other values mean neither.
    mutating func takeOverload() -> (file: Bool, serverName: Bool) {
        let value = payloads[.overload] ?? []
        forgetOverload()
        return ([[1], [3]].contains(value), [[2], [3]].contains(value))
    }

    private mutating func forgetOverload() {
        payloads[.overload] = nil
        order.removeAll { $0 == .overload }
    }

    var options: [DHCPOption] {
        order.compactMap { code in
            guard code != .overload, let payload = payloads[code] else { return nil }
            return DHCPOption(code: code, payload: payload)
        }
    }
}
