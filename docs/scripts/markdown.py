"""Markdown: tables, and the places of a page where a script puts its results."""

from pathlib import Path

DOCS = Path(__file__).parents[1]


def table(head, rows, left=1):
    """A table as one string; the first `left` columns are text, the others numbers."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in [head, *rows]]
    return "\n".join([lines[0], "|" + "---|" * left + "--:|" * (len(head) - left), *lines[1:]])


def replaced(text, name, content):
    """The page with the content between the two marks of that name replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"the page must have the marks {begin} and {end} once each")
    head, rest = text.split(begin)
    return f"{head}{begin}\n\n{content}\n\n{end}{rest.split(end)[1]}"


def put(page, name, content):
    """Write the content between the marks of that name into a page, which is a `Path`."""
    page.write_text(replaced(page.read_text(), name, content))
