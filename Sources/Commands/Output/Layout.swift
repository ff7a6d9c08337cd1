import HostModel

/// Text for a person, laid out in lines.
protocol Layout {
    /// Ends with a newline unless it is empty.
    func text(_ style: Style, headers: Bool) -> String
}

/// What was done, in one line.
struct Sentence: Layout {
    var words: String

    func text(_ style: Style, headers: Bool) -> String { terminalEscaped(words) + "\n" }
}

/// Rows under a header; the last column is not padded.
struct Table: Layout {
    var header: [String]
    var rows: [[Cell]]
    /// How many of the columns are shown unless all are asked for; `nil`: all.
    var usual: Int?
    var isWide = false
    /// Whether the last column may be as long as it likes.
    var isLastOpen = false
    /// What stands there instead of no rows at all.
    var ifEmpty = ""

    func text(_ style: Style, headers: Bool) -> String {
        guard !rows.isEmpty else { return ifEmpty.isEmpty || !headers ? "" : ifEmpty + "\n" }
        let count = isWide ? header.count : usual ?? header.count
        let (header, rows) = (Array(header.prefix(count)), rows.map { Array($0.prefix(count)) })
        return TableFormat(header: header, rows: rows, isLastOpen: isLastOpen).lines(rows, style, headers: headers)
    }
}

/// The widths of a table's columns; kept by a table that grows while it is watched.
struct TableFormat {
    let header: [String]
    let isLastOpen: Bool
    private let widths: [Int]

    init(header: [String], rows: [[Cell]], isLastOpen: Bool) {
        (self.header, self.isLastOpen) = (header, isLastOpen)
        widths = header.indices.map { column in
            rows.reduce(terminalWidth(header[column])) { max($0, terminalWidth($1[column].clipped)) }
        }
    }

    func lines(_ rows: [[Cell]], _ style: Style, headers: Bool) -> String {
        let titles = header.map { Cell($0, .heading) }
        return ((headers ? [titles] : []) + rows).map { line($0, style) + "\n" }.joined()
    }

    private func line(_ cells: [Cell], _ style: Style) -> String {
        cells.enumerated().map { column, cell in
            let isLast = column == cells.count - 1
            let text = isLast && isLastOpen ? cell.text : cell.clipped
            let gap = isLast ? 0 : max(0, widths[column] - terminalWidth(text)) + 2
            return style.dressed(text, cell.tone) + String(repeating: " ", count: gap)
        }.joined()
    }
}

/// Names and values, one a line.
struct Details: Layout {
    var fields: [(name: String, value: Cell)]

    func text(_ style: Style, headers: Bool) -> String {
        let width = fields.map { terminalWidth($0.name) }.max() ?? 0
        return fields.map { field in
            let gap = String(repeating: " ", count: width - terminalWidth(field.name) + 2)
            return style.dressed(field.name, .heading) + gap + style.dressed(field.value.text, field.value.tone) + "\n"
        }.joined()
    }
}

/// Layouts one under another, each below its title; those without content are left out.
struct Sections: Layout {
    var parts: [(title: String?, layout: any Layout)]

    func text(_ style: Style, headers: Bool) -> String {
        let texts = parts.compactMap { part -> String? in
            let text = part.layout.text(style, headers: headers)
            guard !text.isEmpty else { return nil }
            return (part.title.map { style.dressed($0, .heading) + "\n" } ?? "") + text
        }
        return texts.joined(separator: "\n")
    }
}
