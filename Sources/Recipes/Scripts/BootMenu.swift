package import HostModel

/// The GRUB menu of a boot medium.
package struct BootMenu: Hashable, Sendable {
    /// The file of the `pxe` directory that holds the template.
    package static let fileName = "grub.cfg.template"
    private static let placeholders: Set<String> = ["image", "arguments", "verbose_arguments", "install_arguments"]
    /// What shows every message: the last `console=` is the one that /dev/console is.
    /// The dialogue is on every console.
    private static let install = ["console=tty0", "console=ttyS0,115200n8"]
    private static let verbose = ["console=tty0", "console=ttyS0,115200n8", "loglevel=7"]

    private let template: ScriptTemplate

    /// Checks the template.
    package init(template text: String) throws(RecipeError) {
        template = try ScriptTemplate(name: Self.fileName, checked: text, allowed: Self.placeholders)
    }

    /// `title` is for the person in front of the machine; `arguments` are the kernel's; `medium` is what an installation
    /// takes its image from.
    package func render(title: String, arguments: [String], medium: VolumeID) throws(RecipeError) -> String {
        let plain = try KernelCommandLine(arguments)
        let kept = arguments.filter { !$0.hasPrefix("console=") && !$0.hasPrefix("loglevel=") && $0 != "quiet" }
        let install = kept + Self.install + ["muster.install=ask", "muster.install-image=medium:\(medium)"]
        return try template.render([
            "image": .grubText(title),
            "arguments": try .grubArguments(plain),
            "install_arguments": try .grubArguments(try KernelCommandLine(install)),
            "verbose_arguments": try .grubArguments(try KernelCommandLine(kept + Self.verbose)),
        ])
    }
}
