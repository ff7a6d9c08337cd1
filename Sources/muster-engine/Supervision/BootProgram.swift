import Foundation

extension ServeConfiguration {
    /// Where muster-boot keeps its leases.
    var bootStateDirectory: String { "\(dataDirectory)/boot" }

    /// muster-boot as a child, from the directory in which the engine's own program lies; `nil` without boot services.
    func bootProgram(beside engine: String, account: Account) -> ChildProgram? {
        guard let boot else { return nil }
        let directory = engine.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        let arguments = [
            "--interface=\(boot.interface)", "--address=\(boot.address)", "--http-port=\(boot.httpPort)",
            "--directory-socket=\(bootSocket)", "--image-directory=\(dataDirectory)/images",
            "--state-directory=\(bootStateDirectory)",
        ]
        let https = boot.httpsPort.map { port in
            ["--https-port=\(port)", "--tls-certificate=\(bootCertificateFile)", "--tls-key=\(bootCertificateFile)"]
        }
        return ChildProgram(
            name: "muster-boot",
            path: "\(directory)/muster-boot",
            arguments: arguments + (https ?? []) + boot.further,
            account: account,
            capabilities: [.bindService, .raw],
            niceness: 5,
            refusals: [StartFailure.Status.usage.rawValue, StartFailure.Status.configuration.rawValue]
        )
    }
}

extension ChildProgram {
    /// With what nodes are to be told of the engine, which is known once it serves.
    func telling(of engine: ReadyLine) -> ChildProgram {
        var program = self
        program.arguments += ["--engine=\(engine.engine)", "--engine-fingerprint=\(engine.fingerprint)"]
        return program
    }
}
