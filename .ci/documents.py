"""Holds the documents against the tree: links resolve, snippets run, commands exist.

A Python block runs when the line before its fence is `<!-- run -->`; every other one must parse.
Every `heronry COMMAND --flag` in a shell block must be one the CLI knows.
"""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
FENCE = re.compile(r"(<!-- run -->\n)?^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def documents() -> list[Path]:
    """Return the Markdown files under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split()]


def broken_links(path: Path) -> Iterator[str]:
    """Yield relative links that lead nowhere."""
    for target in LINK.findall(path.read_text()):
        if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
            yield f"{path.relative_to(ROOT)}: no such file: {target}"


def broken_snippets(path: Path) -> Iterator[str]:
    """Yield Python blocks that do not parse, or do not run where they say they do."""
    for marked, language, code in FENCE.findall(path.read_text()):
        if language != "python":
            continue
        where = f"{path.relative_to(ROOT)}: {code.strip().splitlines()[0]}"
        try:
            compile(code, str(path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError as error:
            yield f"{where}: {error}"
            continue
        if marked:
            result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=180)
            if result.returncode != 0:
                yield f"{where}: {result.stderr[-800:]}"


def unknown_commands(path: Path) -> Iterator[str]:
    """Yield `heronry` command lines that the CLI would not take."""
    for _, language, code in FENCE.findall(path.read_text()):
        if language not in {"", "sh", "bash", "console"}:
            continue
        for line in code.splitlines():
            words = shlex.split(line.strip().removeprefix("$ "), comments=True) if line.count("'") % 2 == 0 else []
            if words[:1] == ["heronry"] and len(words) > 1:
                yield from (
                    f"{path.relative_to(ROOT)}: `{line.strip()}`: {problem}" for problem in _problems(words[1:])
                )


def _problems(words: list[str]) -> Iterator[str]:
    import typer.main

    from heronry.cli.main import app

    yield from _problems_under(typer.main.get_command(app), words)


def _problems_under(group: click.Command, words: list[str]) -> Iterator[str]:
    commands = getattr(group, "commands", {})
    for name in words[0].split("|"):
        command = commands.get(name)
        if command is None:
            yield f"no command {name!r}"
        elif getattr(command, "commands", None) and len(words) > 1:
            yield from _problems_under(command, words[1:])
        elif name != "serve":
            known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
            yield from (
                f"no flag {w}" for w in words[1:] if w.startswith("--") and w.split("=")[0].strip("[]") not in known
            )


def main() -> int:
    """Check all documents."""
    problems = [
        p for path in documents() for check in (broken_links, broken_snippets, unknown_commands) for p in check(path)
    ]
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
