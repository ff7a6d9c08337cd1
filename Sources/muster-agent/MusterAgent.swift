import ArgumentParser

/// The node's program. Wiring only: each sub-command reads its flags and hands over to the room Agent.
@main
struct MusterAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster-agent",
        abstract: "Runs on every node: brings up its network, registers it with the engine, and serves the engine.",
        discussion: """
            On a node image these are started by init, in this order:

              live-root      in an initramfs with muster.image=: the root image that all others then run in
              console        the node's screen, from the beginning to the end
              boot-network   the network that is needed to reach the engine
              register       a key, a claim, an approval code, a certificate; ends when the node has one
              apply          as root: changes the node's networks, and takes back what the engine can not reach
              serve          as vdsm: answers the engine on port 54321

            A node is configured by its kernel arguments (ip=, vlan=, bond=, nameserver=, BOOTIF=, management_server=, …) and by \
            what a person sets on the console, which wins.
            """,
        version: "0.1.0",
        subcommands: [
            BootNetworkCommand.self, RestoreNetworksCommand.self, LiveRootCommand.self, LeaseCommand.self,
            RegisterCommand.self, ConsoleCommand.self,
            ServeCommand.self, ApplyCommand.self, NetworkCommand.self, RestoreNetworksCommand.self, LogCommand.self,
            DisksCommand.self,
            InstallCommand.self, UpgradeCommand.self,
            SlotsCommand.self, ConfirmCommand.self, RollbackCommand.self, StatePartitionCommand.self,
        ]
    )
}
