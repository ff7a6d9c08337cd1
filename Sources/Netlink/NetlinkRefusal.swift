internal import CNetlink
internal import Glibc

/// The kernel's no to one request.
struct NetlinkRefusal: Hashable, Sendable {
    /// errno, positive.
    var code: CInt
    /// What the kernel says in words, where it does.
    var explanation: String?

    /// The acknowledgements in a datagram: by the number of the request, `nil` for a yes. What is cut short is left out.
    static func answers(_ datagram: ArraySlice<UInt8>) -> [(number: UInt32, refusal: NetlinkRefusal?)] {
        var answers: [(number: UInt32, refusal: NetlinkRefusal?)] = []
        var rest = datagram
        while let length = rest.integer(at: 0, as: UInt32.self), length >= 16, Int(length) <= rest.count {
            let message = rest.prefix(Int(length))
            if let answer = answer(message) { answers.append(answer) }
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
        return answers
    }

    /// NLM_F_ACK_TLVS: attributes follow.
    private static let hasAttributes: UInt16 = 0x200
    /// NLMSGERR_ATTR_MSG
    private static let words = 1

    private static func answer(_ message: ArraySlice<UInt8>) -> (number: UInt32, refusal: NetlinkRefusal?)? {
        guard message.integer(at: 4, as: UInt16.self) == UInt16(NLMSG_ERROR),
            let flags = message.integer(at: 6, as: UInt16.self), let number = message.integer(at: 8, as: UInt32.self),
            let code = message.integer(at: 16, as: Int32.self)
        else { return nil }
        guard code != 0 else { return (number, nil) }
        // There is no such number as the opposite of the smallest.
        var refusal = NetlinkRefusal(code: code == .min ? .max : -code)
        // struct nlmsgerr: the code, and the header of the request (no more of it: NETLINK_CAP_ACK).
        if flags & hasAttributes != 0 {
            refusal.explanation = NetlinkAttributes(message.dropFirst(36))?.text(words)
        }
        return (number, refusal)
    }
}
