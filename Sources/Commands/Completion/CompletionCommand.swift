import ArgumentParser

struct CompletionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Write a completion script for a shell.",
        discussion: """
            Names of hosts, images and profiles are completed from the engine that was logged in to.

              bash  muster completion bash > ~/.local/share/bash-completion/completions/muster
              zsh   muster completion zsh > "${fpath[1]}/_muster"
              fish  muster completion fish > ~/.config/fish/completions/muster.fish
            """
    )

    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash
        case zsh
        case fish

        fileprivate var shell: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() async throws { Terminal.show(Muster.completionScript(for: shell.shell) + "\n") }
}
