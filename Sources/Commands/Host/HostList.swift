import ArgumentParser
import EngineClient
import HostModel

struct HostList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the hosts, with their open claims.",
        discussion: """
            --search takes oVirt's language: FIELD OPERATOR VALUE joined by and, or, not and parentheses, then sortby FIELD \
            [desc] and page N. Fields: name, status, address, cluster, datacenter, tag, affinity_label, comment, mac, memory, \
            cpus, cpu_model, image, version, hw_id, id, status_detail, spm_priority. A bare word is looked for in names.

              muster host list --search 'cluster=east-1 and not status=up sortby name desc'
              muster host list -o jsonpath='$[?(@.status=="up")].address'
            """,
        aliases: ["ls"]
    )

    @Option(help: ArgumentHelp("Only hosts that this finds.", valueName: "search"))
    var search: String?

    @Option(help: "Only hosts of this cluster.", completion: ClusterResource.completion)
    var cluster: String?

    @Option(help: ArgumentHelp("Only hosts with this status.", valueName: "status"))
    var status: String?

    @Option(help: "Only hosts with this tag.", completion: TagResource.completion)
    var tag: String?

    @Flag(help: "List the machines that were rejected and are kept away, instead.")
    var rejected = false

    @OptionGroup var watching: WatchOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if rejected, watching.watch { throw ValidationError("--rejected is shown once: leave out --watch.") }
    }

    /// The options as one search; `nil`: all hosts.
    func query() throws -> String? {
        let terms = try [("cluster", cluster), ("status", status), ("tag", tag)].compactMap { field, value in
            try value.map { value in
                guard !value.contains(where: { "\"';".contains($0) }) else {
                    throw ValidationError("--\(field) takes a name without quotes.")
                }
                return "\(field)=\"\(value)\""
            }
        }
        guard let search, !search.allSatisfy(\.isWhitespace) else {
            return terms.isEmpty ? nil : terms.joined(separator: " and ")
        }
        guard !terms.isEmpty else { return search }
        // An order and a page stand behind everything.
        let (condition, rest) = Self.parts(search)
        let all = condition.allSatisfy(\.isWhitespace) ? terms : terms + ["(\(condition))"]
        return all.joined(separator: " and ") + (rest.isEmpty ? "" : " \(rest)")
    }

    /// The condition, and the order and page behind it, wherever a quoted value does not only look like one.
    private static func parts(_ search: String) -> (condition: Substring, rest: Substring) {
        var (isQuoted, begin) = (false, search.startIndex)
        for index in search.indices {
            if search[index] == "\"" { isQuoted.toggle() }
            guard search[index].isWhitespace, !isQuoted else { continue }
            begin = search.index(after: index)
            let word = search[begin...].prefix { !$0.isWhitespace }.lowercased()
            if word == "sortby" || word == "page" { return (search[..<index], search[begin...]) }
        }
        let word = search.prefix { !$0.isWhitespace }.lowercased()
        return word == "sortby" || word == "page" ? ("", search[...]) : (search[...], "")
    }

    func run() async throws {
        if rejected {
            let rejections = try await options.withSession { try await $0.rejections() }
            return output.show(rejections, as: rejectionTable(rejections, .current))
        }
        let query = try query()
        let isBrief = [.table, .wide, .name].contains(output.output)
        try await options.show(
            watching,
            output,
            { try await $0.hosts(search: query, brief: isBrief) },
            as: hostTable
        )
    }
}
