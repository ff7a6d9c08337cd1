/// Lets so many TLS handshakes begin at a time, in the order in which they came: an engine that restarts dials all of its
/// hosts at once, and all of them would be late together. A peer that is slow itself gives its place up soon.
actor HandshakeGate {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Handshakes at a time; enough to keep every processor busy.
    static let places = 64
    /// How long one handshake may hold its place, in milliseconds; it goes on without it.
    static let holdMilliseconds: Int64 = 1000

    init(places: Int = HandshakeGate.places) { free = places }

    func enter() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
