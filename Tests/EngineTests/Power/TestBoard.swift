import Foundation
import Glibc

@testable import Engine

/// A BMC: openipmi's ipmi_sim on a loopback port of its own, whose chassis is a file.
final class TestBoard: Sendable {
    let port: UInt16
    private let folder: URL
    private let program: TestProgram

    /// Comes back when the board listens. `obeys`: false for one that says yes and does nothing.
    init(isOn: Bool, obeys: Bool = true) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "board-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder.appending(path: "state"), withIntermediateDirectories: true)
        port = try TestProgram.freePort(SOCK_DGRAM)
        let script = folder.appending(path: "chassis")
        try Self.chassis(folder.path, obeys: obeys).write(to: script, atomically: true, encoding: .utf8)
        chmod(script.path, 0o700)
        try (isOn ? "1" : "0").write(to: folder.appending(path: "power"), atomically: true, encoding: .utf8)
        try Self.lan(port, script.path).write(to: folder.appending(path: "lan"), atomically: true, encoding: .utf8)
        try Self.emulation.write(to: folder.appending(path: "emu"), atomically: true, encoding: .utf8)
        let words = ["ipmi_sim", "-p", "-c", "lan", "-f", "emu", "-s", "state"]
        // Its console asks for the first command once it listens.
        program = try TestProgram(words, in: folder, until: "> ")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var isOn: Bool { read("power") == "1" }
    /// What the script was asked to set, a line each.
    var log: String { read("log") }

    private func read(_ name: String) -> String {
        let text = try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
        return (text ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func settings(username: String = "admin") -> FenceAgentSettings {
        FenceAgentSettings(
            type: "ipmilan",
            address: "127.0.0.1",
            port: port,
            username: username,
            options: ["cipher": "3", "privlvl": "administrator"]
        )
    }

    private static func chassis(_ folder: String, obeys: Bool) -> String {
        """
        #!/bin/sh
        verb=$1; shift
        [ "$verb" = set ] && echo "$@" >> \(folder)/log
        while [ $# -gt 0 ]; do
            case $verb:$1 in
            get:power) echo "power:$(cat \(folder)/power)"; shift ;;
            get:boot) echo boot:none; shift ;;
            set:power) \(obeys ? "echo \"$2\" > \(folder)/power; " : "")shift 2 ;;
            *) shift ;;
            esac
        done
        """
    }

    private static func lan(_ port: UInt16, _ script: String) -> String {
        """
        name "muster"
        set_working_mc 0x20
          startlan 1
            addr 127.0.0.1 \(port)
            priv_limit admin
            allowed_auths_callback none md2 md5 straight
            allowed_auths_user none md2 md5 straight
            allowed_auths_operator none md2 md5 straight
            allowed_auths_admin none md2 md5 straight
            guid a123456789abcdefa123456789abcdef
          endlan
          chassis_control "\(script)"
          user 2 true "admin" "s3cret-of-it" admin 10 none md2 md5 straight

        """
    }

    private static let emulation = """
        mc_setbmc 0x20
        mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
        sel_enable 0x20 1000 0x0a
        mc_enable 0x20

        """
}
