"""A mission as one HTML page that needs no other file."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
import os
from pathlib import Path
from typing import Any

from synth_nodes.report.figures import rows, summary

STOPS_SHOWN = 20
STYLE = """
:root { color-scheme: light; --ink: #1c2430; --soft: #5b6675; --line: #e3e7ec; --back: #f5f6f8;
        --good: #1a7f4e; --bad: #c0392b; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
       font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.6rem; margin: 0 0 4px; }
h2 { font-size: 1.1rem; margin: 0 0 12px; }
p { margin: 0; color: var(--soft); }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 18px;
          margin-top: 18px; }
.verdict { display: inline-block; padding: 3px 12px; border-radius: 999px; color: #fff;
           font-weight: 600; background: var(--bad); margin-bottom: 10px; }
.verdict.good { background: var(--good); }
img { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 7px 10px 7px 0; border-bottom: 1px solid var(--line);
         vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 500; color: var(--soft); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
                       padding-right: 0; padding-left: 10px; }
.figures td { font-weight: 600; }
.place { white-space: nowrap; }
.missed { color: var(--bad); font-weight: 600; }
code { font: 0.88em/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
details > summary { cursor: pointer; font-weight: 600; }
details[open] > summary { margin-bottom: 10px; }
"""


def write_page(mission: Mapping[str, Any], place: str, picture: Path, command: str,
               software: Mapping[str, str], path: Path) -> None:
    """
    Write the page.

    :param mission: content of a `mission.json`.
    :param place: what to call the map.
    :param picture: PNG to embed.
    :param command: command line that made the mission.
    :param software: versions by name.
    :param path: HTML file to write; whole or not there.
    """
    partial = path.with_name(f'.{path.name}')
    page = _page(mission, place, picture.read_bytes(), command, software)
    partial.write_text(page, encoding='utf-8')
    os.replace(partial, path)


def _page(mission: Mapping[str, Any], place: str, picture: bytes, command: str,
          software: Mapping[str, str]) -> str:
    figures = summary(mission)
    good = figures['success']
    verdict = 'All goals reached, no collision' if good else 'Not passed'
    image = base64.b64encode(picture).decode('ascii')
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(f'Mission in {place}')}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<span class="verdict{' good' if good else ''}">{verdict}</span>
<h1>{escape(f"{len(mission['goals'])} goals in {place}")}</h1>
<p>{escape(mission['started'].replace('T', ' ').replace('+00:00', ' UTC'))}, seed
{escape(str(mission['settings']['seed']))}, synth_nodes {escape(mission['version'])}</p>
<section><img alt="Map with the way driven, goals and stops"
 src="data:image/png;base64,{image}"></section>
<section><h2>Figures</h2>{_pairs(rows(figures), 'figures', number=True)}</section>
<section><h2>Goals</h2>{_goals(mission['goals'])}</section>
<section><h2>Stops by the safety monitor</h2>{_stops(mission['stops'])}</section>
<section><h2>How it was made</h2>
<p><code>{escape(command)}</code></p></section>
<section><details><summary>Configuration</summary>
{_pairs([(k, _show(v)) for k, v in mission['settings'].items()])}</details></section>
<section><details><summary>Versions</summary>{_pairs(software.items())}</details></section>
</main>
</body>
</html>
"""


def _pairs(pairs: Iterable[tuple[str, str]], kind: str = '', number: bool = False) -> str:
    cell = '<td class="number">' if number else '<td>'
    body = ''.join(f'<tr><th scope="row">{escape(name)}</th>{cell}{escape(value)}</td></tr>'
                   for name, value in pairs)
    return f'<div class="scroll"><table class="{kind}">{body}</table></div>'


def _goals(goals: list[dict[str, Any]]) -> str:
    heads = ('Goal', 'x, y [m]', 'Result', 'Time [s]', 'Driven [m]', 'Planned [m]')
    lines = []
    for number, goal in enumerate(goals, 1):
        result = 'reached' if goal['reached'] else (
            f'<span class="missed">missed by {goal["distance"]:.1f} m</span>')
        lines.append((str(number), _place(goal), result,
                      f'{goal["ended"] - goal["sent"]:.1f}', f'{goal["driven"]:.1f}',
                      f'{goal["length"]:.1f}'))
    return _grid(heads, lines, numbers=3)


def _stops(stops: list[dict[str, Any]]) -> str:
    if not stops:
        return '<p>None.</p>'
    heads = ('Rule', 'Reason', 'x, y [m]', 'Time [s]', 'Held [s]')
    lines = [(escape(s['rule']), escape(s['reason']), _place(s),
              f'{s["time"]:.1f}', f'{s["duration"] or 0.0:.1f}') for s in stops[:STOPS_SHOWN]]
    more = len(stops) - len(lines)
    rest = f'<p>and {more} more in mission.json</p>' if more > 0 else ''
    return _grid(heads, lines, numbers=2) + rest


def _grid(heads: tuple[str, ...], lines: Sequence[tuple[str, ...]], numbers: int) -> str:
    """Lay out a table whose last `numbers` columns are numbers; cells are HTML already."""
    first = len(heads) - numbers

    def row(tag: str, cells: tuple[str, ...]) -> str:
        return '<tr>' + ''.join(
            f'<{tag}{" class=number" if i >= first else ""}>{cell}</{tag}>'
            for i, cell in enumerate(cells)) + '</tr>'

    body = ''.join(row('td', line) for line in lines)
    return f'<div class="scroll"><table>{row("th", heads)}{body}</table></div>'


def _place(row: Mapping[str, Any]) -> str:
    return f'<span class="place">{row["x"]:.2f}, {row["y"]:.2f}</span>'


def _show(value: Any) -> str:
    return ', '.join(f'{v:g}' for v in value) if isinstance(value, list) else str(value)
