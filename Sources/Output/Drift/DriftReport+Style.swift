// The page's style sheet.

extension DriftReport {
    static let style = """
        :root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #1b1f27; --soft: #5b6473;
          --line: #e1e5eb; --bad: #b3261e; --bad-soft: #fbe9e7; --warn: #8a5a00; --warn-soft: #fdf1d8;
          --good: #17693a; --good-soft: #e2f3e8; --accent: #c0392b; }
        @media (prefers-color-scheme: dark) { :root { --ground: #12151b; --card: #1a1f28; --ink: #e8ebf0;
          --soft: #98a2b3; --line: #2b3240; --bad: #ff8a80; --bad-soft: #43201d; --warn: #ffc766; --warn-soft: #3f3013;
          --good: #6fd69a; --good-soft: #16361f; --accent: #ff7a6b; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 84rem; padding: 2rem 1.25rem 3rem; background: var(--ground);
          color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
        header { display: grid; grid-template-columns: 1fr auto; align-items: baseline; column-gap: 1rem; }
        .brand { grid-column: 1 / -1; margin: 0; color: var(--accent); font-weight: 700; letter-spacing: .08em;
          text-transform: uppercase; font-size: .75rem; }
        h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.02em; }
        h2 { margin: 2.25rem 0 .75rem; font-size: 1.1rem; }
        .when, .note, footer { color: var(--soft); } .when { margin: 0; font-variant-numeric: tabular-nums; }
        .verdict { margin: 1.25rem 0; padding: .8rem 1rem; border-radius: .6rem; font-size: 1.05rem; font-weight: 600; }
        .verdict.bad { background: var(--bad-soft); color: var(--bad); }
        .verdict.warn { background: var(--warn-soft); color: var(--warn); }
        .verdict.good { background: var(--good-soft); color: var(--good); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 0; }
        .tiles div { padding: .8rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
        .tiles dt { color: var(--soft); font-size: .8rem; }
        .tiles dd { margin: 0; font-size: 1.8rem; font-weight: 650; font-variant-numeric: tabular-nums; }
        .tiles .bad dd { color: var(--bad); } .tiles .warn dd { color: var(--warn); } .tiles .good dd { color: var(--good); }
        .bar { display: flex; gap: 2px; height: .5rem; margin-top: .9rem; border-radius: .25rem; overflow: hidden; }
        .bar span { min-width: 6px; } .bar .bad { background: var(--bad); } .bar .warn { background: var(--warn); }
        .bar .good { background: var(--good); }
        table { width: 100%; border-collapse: separate; border-spacing: 0; background: var(--card);
          border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; font-size: .88rem; }
        th, td { padding: .55rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
        tr:last-child td { border-bottom: 0; }
        th { color: var(--soft); font-size: .72rem; letter-spacing: .05em; text-transform: uppercase; }
        code { font: .85em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
        time { white-space: nowrap; font-variant-numeric: tabular-nums; }
        .badge { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .75rem; font-weight: 650;
          white-space: nowrap; }
        .badge.bad { background: var(--bad-soft); color: var(--bad); }
        .badge.warn { background: var(--warn-soft); color: var(--warn); }
        .badge.good { background: var(--good-soft); color: var(--good); }
        .meter { display: block; width: 8rem; height: .3rem; margin-top: .3rem; background: var(--line);
          border-radius: .2rem; } .meter i { display: block; height: 100%; min-width: 2px; background: var(--accent);
          border-radius: .2rem; }
        footer { margin-top: 2.5rem; font-size: .82rem; }
        @media (max-width: 52rem) { thead { display: none; } tr { display: block; padding: .6rem 0;
          border-bottom: 1px solid var(--line); } td { display: grid; grid-template-columns: 7rem 1fr; gap: .5rem;
          padding: .2rem .75rem; border: 0; } td::before { content: attr(data-title); color: var(--soft); } }
        @media print { body { background: #fff; } table, .tiles div { break-inside: avoid; } }
        """
}
