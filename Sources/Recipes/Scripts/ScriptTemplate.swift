/// An iPXE script or a GRUB configuration with `{{name}}` placeholders: a data file of the `pxe` directory.
package struct ScriptTemplate: Hashable, Sendable {
    private let template: TemplateText

    package var name: String { template.name }

    /// Checks the whole template, so that a server refuses to start with a broken one. A placeholder that is not among
    /// the `allowed` is an error.
    package init(name: String, text: String, allowed: Set<String>) throws(RecipeError) {
        guard text.hasPrefix("#!ipxe\n") else { throw .notAScript(template: name) }
        try self.init(name: name, checked: text, allowed: allowed)
    }

    /// The same for a text without a first line of its own.
    init(name: String, checked text: String, allowed: Set<String>) throws(RecipeError) {
        template = try TemplateText(name: name, text: text, allowed: allowed)
    }

    /// Puts the values in. A placeholder without a value is an error; a value without a placeholder is not.
    package func render(_ values: [String: ScriptValue]) throws(RecipeError) -> String {
        try template.render(values.mapValues(\.text))
    }
}
