import Engine
import HostModel
import Hummingbird
import NIOCore

/// What is known of one request besides the request: who sent it, who signed in, and under which id it is recorded.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The peer's IP address as text; `local` over a Unix socket.
    let source: String
    /// The connection that it came over.
    let channel: any Channel
    /// The certificate that the client showed, where it did.
    var leaf: ShownLeaf?
    /// `admin@internal`; empty on routes that need no sign-in.
    var user = ""
    /// What that user may do; nothing is asked of it on routes that need no sign-in.
    var role = UserRole.readOnlyAdmin
    /// What a long answer asks again with: whether the session still counts. `nil` with HTTP Basic.
    var token: String?
    /// What the client reads.
    var format = WireFormat.json
    /// The links whose ends the client wants in the answer, and who fetches them.
    var follow: [LinkPath] = []
    var follower: LinkFollower?
    /// What the route says of itself.
    var call: Call?
    /// The id that the events of this request carry.
    var correlation = CorrelationID.random().rawValue

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        let address = source.channel.remoteAddress?.ipAddress ?? "local"
        // Over a socket of both families an IPv4 peer is ::ffff:A.B.C.D.
        self.source = address.hasPrefix("::ffff:") && address.contains(".") ? String(address.dropFirst(7)) : address
    }
}
