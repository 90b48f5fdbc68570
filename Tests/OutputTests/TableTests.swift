import Output
import Testing

@Suite struct TableTests {
    @Test func `columns are as wide as their widest cell, with two spaces between`() {
        var table = Table([Column("NAME"), Column("READY", .right), Column("STATUS")])
        table.add(["webapp", "2/3", "Progressing"])
        table.add(["a", "10/10", ""])
        #expect(
            table.lines(.none) == [
                "NAME    READY  STATUS",
                "webapp    2/3  Progressing",
                "a       10/10",
            ])
    }

    @Test func `no table is wider than its room, and what is cut ends in an ellipsis`() {
        var table = Table([Column("A"), Column("B", least: 10), Column("C", least: 10)])
        table.add([Cell("id"), Cell(String(repeating: "b", count: 200)), Cell(String(repeating: "c", count: 90))])
        let lines = table.lines(.none)
        #expect(lines.allSatisfy { $0.columns <= 100 })
        #expect(lines[1].filter { $0 == "…" }.count == 2)
        #expect(table.lines(Paint(enabled: false, width: 120))[1].columns == 120)
        let whole = table.lines(Paint(enabled: false, width: .max))
        #expect(!whole[1].contains("…") && whole[1].columns == 296, "in a pipe nothing is cut")
    }

    @Test func `a column without a least width is never cut`() {
        var table = Table([Column("NAME"), Column("MESSAGE", least: 8)])
        let name = String(repeating: "n", count: 63)
        table.add([Cell(name), Cell(String(repeating: "m", count: 500))])
        #expect(table.lines(.none)[1].hasPrefix(name + "  "))
    }

    @Test func `a cell cannot break a line or command a terminal`() {
        var table = Table([Column("A")])
        table.add(["x\n\u{1B}[31my"])
        #expect(table.lines(.none)[1] == #"x\n\u{1B}[31my"#)
    }

    @Test func `colour does not move columns`() {
        var table = Table([Column("A"), Column("B")])
        table.add([Cell("good", .good), Cell("x")])
        let painted = table.lines(Paint(enabled: true))[1]
        #expect(painted == "\u{1B}[32mgood\u{1B}[0m  x")
    }
}
