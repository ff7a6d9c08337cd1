import NIOPosix
import Synchronization

/// The threads of a server's transfers: one for each as long as there are few, for a thread that has one transfer only waits
/// on its socket (`TFTPTransferLoop`); then they share. A thread is made when it is needed first, and stays.
final class TFTPTransferThreads: Sendable {
    private struct Thread {
        let loop: TFTPTransferLoop
        /// Of one thread, which is held by the loop until it ends.
        let pool: NIOThreadPool
        var transfers = 0
    }

    private struct State {
        var threads: [Thread] = []
        var isEnding = false
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Sends one file, as `TFTPTransferLoop.run` does. Throws when a thread cannot be made and there is none yet.
    func run(
        _ start: TFTPTransfer.Start,
        on socket: DatagramSocket.Taken,
        willBegin: (TFTPTransferLoop.Running) -> Void
    ) async throws(DatagramSocketError) {
        let (index, loop) = try state.withLock { state throws(DatagramSocketError) in
            let index = try self.place(&state)
            state.threads[index].transfers += 1
            return (index, state.threads[index].loop)
        }
        await loop.run(start, on: socket, willBegin: willBegin)
        state.withLock { $0.threads[index].transfers -= 1 }
    }

    /// Ends every transfer with an error on its client's screen, also those that are yet to begin, and the threads.
    func end() {
        let threads = state.withLock { state in
            state.isEnding = true
            return state.threads
        }
        for thread in threads {
            thread.loop.end()
            thread.pool.shutdownGracefully { _ in }
        }
    }

    /// The thread with the fewest transfers; a new one when each has some.
    private func place(_ state: inout State) throws(DatagramSocketError) -> Int {
        let fewest = state.threads.indices.min { state.threads[$0].transfers < state.threads[$1].transfers }
        if let fewest, state.threads[fewest].transfers == 0 || state.threads.count >= limit || state.isEnding {
            return fewest
        }
        let loop: TFTPTransferLoop
        do throws(DatagramSocketError) { loop = try TFTPTransferLoop() } catch {
            // Out of descriptors: those that there are do it.
            guard let fewest else { throw error }
            return fewest
        }
        let pool = NIOThreadPool(numberOfThreads: 1)
        if state.isEnding {
            loop.end()
        } else {
            pool.start()
            pool.submit { _ in loop.serve() }
        }
        state.threads.append(Thread(loop: loop, pool: pool))
        return state.threads.count - 1
    }
}
