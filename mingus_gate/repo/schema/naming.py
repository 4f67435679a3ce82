"""The names that a metadata gives what has none of its own."""

from __future__ import annotations

Naming = dict[str, str]
"""The naming convention of a metadata: `{"ix": "ix_%(column_0_label)s", "uq": …}`."""
DEFAULT_NAMING: Naming = {"ix": "ix_%(column_0_label)s"}


def conventional(kind: str, naming: Naming, table: str, columns: tuple[str, ...], refers: str = "") -> str:
    """The name that a naming convention gives, or "" where it gives none or asks for what we do not fill in."""
    pattern = naming.get(kind, "")
    if not pattern or not columns or not table:
        return ""
    bare, label = table.rpartition(".")[2], f"{table.replace('.', '_')}_"
    words = {
        "table_name": bare,
        "column_0_name": columns[0],
        "column_0_key": columns[0],
        "column_0_label": label + columns[0],
        "column_0_N_name": "_".join(columns),
        "column_0_N_label": "_".join(label + column for column in columns),
        "column_0N_name": "".join(columns),
        "referred_table_name": refers.rpartition(".")[2],
    }
    try:
        name = pattern % words
    except (KeyError, ValueError, TypeError):
        return ""
    return name if len(name) <= 63 else ""
