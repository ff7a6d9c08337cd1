package import HostConversion
package import HostModel

/// What was seen of a server that is to become a host. Nothing of it is stored, and nothing was changed.
package struct ServerLook: Sendable {
    /// Of the host in front of it.
    package var jumpKey: HostKey?
    /// `nil`: the jump host's has to be confirmed first.
    package var key: HostKey?
    /// `nil`: nobody signed in, for a key is not confirmed yet.
    package var report: PreflightReport?
}

extension HostEngine {
    /// Looks at a server as far as its host keys are confirmed, that is, in the order: no password goes to a host whose key
    /// nobody has compared. Without the jump host's only that one is asked for its key, without the server's only both;
    /// with them the engine signs in and judges. Throws what the engine knows against the server without asking it, and
    /// whatever keeps it from signing in.
    package func look(at order: ServerOrder) async throws(EngineError) -> ServerLook {
        _ = try await check(order)
        do throws(ConversionError) {
            let targets = try order.access.targets(order.credentials, keyFile: gate.keyFile)
            if let jump = targets.jump, jump.fingerprint == nil {
                return ServerLook(jumpKey: try await SSHConnection.hostKeys(of: jump).target)
            }
            guard order.access.fingerprint != nil else {
                let keys = try await SSHConnection.hostKeys(of: targets.server, through: targets.jump)
                return ServerLook(jumpKey: keys.jump, key: keys.target)
            }
            let seen = try await gate.inspect(order)
            return ServerLook(jumpKey: seen.jumpKey, key: seen.key, report: seen.report)
        } catch {
            throw EngineError(error)
        }
    }
}

extension ServerGate {
    /// Signs in, looks and judges.
    func inspect(
        _ order: ServerOrder
    ) async throws(ConversionError) -> (report: PreflightReport, key: HostKey, jumpKey: HostKey?) {
        let connection = try await connect(order.access, order.credentials)
        do throws(ConversionError) {
            let request = try await request(address: order.address, order.options, host: nil)
            let report = try await ServerInspection(connection).report(for: request, completing: withRepository)
            await connection.close()
            return (report, connection.hostKey, connection.jumpHostKey)
        } catch {
            await connection.close()
            throw error
        }
    }
}
