import HostModel
import Synchronization
import SystemPackage
import TestServers
import Testing

@testable import Commands
@testable import EngineClient

/// Existing servers by the command line, as far as no server is needed; packaging/convert/try has the rest.
@Suite struct ServerCommandTests {
    private static let print = "SHA256:" + String(repeating: "a", count: 43)
    private static let jumpPrint = "SHA256:" + String(repeating: "b", count: 43)

    @Test("with a key of one's own, what the engine knows against it is said before the server is touched")
    func asksTheEngineFirst() async throws {
        try await FakeEngine.loggedIn { program, engine in
            // Nobody listens on port 1: whoever connects is told so.
            let words = ["host", "add", "kvm-8", "--address", "127.0.0.1", "--ssh-port", "1", "--key", "/dev/null"]
            let typo = try await program.run(words + ["--cluster", "Defualt"])
            #expect(typo.exit != 0 && typo.errors.lowercased().contains("there is none"), "\(typo.errors)")
            #expect(!typo.errors.contains("refused the connection"), "\(typo.errors)")
            let call = engine.state.withLock { $0.calls.last } ?? ""
            #expect(call.hasPrefix("POST /ovirt-engine/api/hosts?dry_run=true "), "\(call)")
            let good = try await program.run(words)
            #expect(good.errors.contains("refused the connection"), "\(good.errors)")
        }
    }

    @Test("a bare machine is announced with its board; half of it is a typing error") func announcesMachine()
        async throws
    {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock { state in
                state.added = HostResource(
                    id: "h9",
                    href: "",
                    name: "kvm-9",
                    address: "",
                    port: "54321",
                    status: "installing_os"
                )
            }
            let words = ["host", "add", "kvm-9", "--mac", "52:54:00:12:34:56"]
            let board = [
                "--bmc", "10.9.0.8", "--bmc-user", "admin", "--bmc-password-file", "-", "--bmc-option", "cipher=17",
            ]
            let done = try await program.run(words + board + ["--restart", "--no-wait"], input: "s3cret\n")
            #expect(done.exit == 0 && done.output.contains("is to come by itself"), "\(done.errors)")
            let call = engine.state.withLock { $0.calls.last } ?? ""
            for part in [#""mac":"52:54:00:12:34:56""#, #""password":"s3cret""#, #""restart":true"#, #""cipher""#] {
                #expect(call.contains(part), "\(call)")
            }
            for wrong in [
                words, words + ["--bmc", "x"], ["host", "add", "kvm-9"] + board, words + board + ["--address", "a"],
                words + board + ["--check"], ["host", "add", "kvm-9", "--mac", "nonsense"] + board,
            ] {
                let refused = try await program.run(wrong, input: "s3cret\n")
                #expect(refused.exit == 64, "\(wrong): \(refused.errors)")
            }
        }
    }

    @Test("host keys that nobody gave are shown, with the option that gives them")
    func showsPinnedKeys() async throws {
        try await FakeEngine.loggedIn { program, engine in
            var host = HostResource(
                id: "h8",
                href: "",
                name: "kvm-8",
                address: "10.20.0.8",
                port: "54321",
                status: "installing"
            )
            (host.ssh, host.muster.jump) = (SSHResource(), ServerChoices.Jump(address: "gw"))
            host.ssh?.fingerprint = Self.print
            host.muster.jump?.fingerprint = Self.jumpPrint
            let added = host
            engine.state.withLock { $0.added = added }
            let words = [
                "host", "add", "kvm-8", "--address", "10.20.0.8", "--jump", "gw", "--root-password-file", "-",
                "--no-wait",
            ]
            let silent = try await program.run(words, input: "secret\n")
            #expect(silent.exit == 0 && silent.output.contains("is being converted"), "\(silent.errors)")
            #expect(silent.errors.contains("host key of 10.20.0.8: \(Self.print), pinned"), "\(silent.errors)")
            #expect(silent.errors.contains("host key of gw: \(Self.jumpPrint), pinned"), "\(silent.errors)")
            #expect(silent.errors.contains("--jump-fingerprint"), "\(silent.errors)")
            let given = ["--fingerprint", Self.print, "--jump-fingerprint", Self.jumpPrint]
            let confirmed = try await program.run(words + given, input: "secret\n")
            #expect(confirmed.exit == 0 && !confirmed.errors.contains("host key"), "\(confirmed.errors)")
            let call = engine.state.withLock { $0.calls.last } ?? ""
            #expect(call.contains(Self.print) && call.contains(#""fingerprint":"\#(Self.jumpPrint)""#), "\(call)")
            let alone = try await program.run(["host", "add", "a", "--address", "b", "--jump-fingerprint", Self.print])
            #expect(alone.exit == 64, "\(alone.errors)")
        }
    }

    @Test("a reinstall takes a jump host and what is chosen anew, and says nothing of the rest")
    func reinstallKeepsTheRest() async throws {
        try await FakeEngine.loggedIn { program, engine in
            let words = ["host", "reinstall", Samples.up.name, "--jump", "admin@gw:2222", "--kdump", "--no-wait"]
            let outcome = try await program.run(words)
            #expect(outcome.exit == 0, "\(outcome.errors)")
            let call = engine.state.withLock { $0.calls.last } ?? ""
            #expect(call.contains(#""jump":{"address":"gw","port":"2222","user_name":"admin"}"#), "\(call)")
            #expect(
                call.contains(#""kdump":true"#) && !call.contains("repository") && !call.contains("reboot"),
                "\(call)"
            )
        }
    }

    @Test func whatBecameOfAnUninstalledServerIsSaid() {
        #expect(HostUninstall.words("a", []) == ["a is no host any more; the server is as it was before"])
        #expect(HostUninstall.words("a", ["x differs"]).count == 2)
        let nothing = HostUninstall.words("a", ["there was nothing to take back: …"])
        #expect(nothing == ["a is no host any more; there was nothing to take back: …"])
    }

    @Test func theManagementNetworksTagIsTheEngines() {
        var management = NetworkResource(id: "1", href: "", name: "ovirtmgmt", mtu: "0", usages: ["management"])
        let other = NetworkResource(id: "2", href: "", name: "red", mtu: "0", usages: ["vm"])
        #expect(ServerCheck.managementTag([other, management]) == nil)
        management.vlan = NetworkResource.VLAN(id: "5")
        #expect(ServerCheck.managementTag([other, management]) == 5)
    }
}
