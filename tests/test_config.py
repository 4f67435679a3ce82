from pathlib import Path

import pytest

from mingus_gate.config import Config, ConfigError, load

KNOWN = {"tls", "tls.hsts", "payments.signed-webhook"}


def read(root: Path, text: str | bytes) -> Config:
    (root / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(root, known=KNOWN)


def test_the_defaults_hold_without_a_file_or_a_table(tmp_path: Path) -> None:
    assert load(tmp_path) == Config()
    assert read(tmp_path, '[project]\nname = "shop"\n') == Config()


def test_every_key_is_read(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
        [tool.mingus-gate]
        fail-on = "warning"
        min-score = 80
        exclude = ["legacy/**"]
        disable = ["tls.hsts", "tls"]
        checklist = "docs/go-live.md"
        [[tool.mingus-gate.waivers]]
        rule = "tls.hsts"
        [[tool.mingus-gate.waivers]]
        rule = "tls.hsts"
        owner = "ana"
        reason = "the edge adds it"
        expires = 2026-12-31
        """,
    )
    assert config.fail_on == "warning"
    assert config.min_score == 80.0
    assert config.disable == ["tls.hsts", "tls"]
    assert config.exclude == ["legacy/**"]
    assert config.checklist == "docs/go-live.md"
    assert [(waiver.place.line, waiver.state) for waiver in config.waivers] == [(8, "invalid"), (10, "idle")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[tool.mingus-gate]\nfail_on = "warning"\n', "pyproject.toml:2: [tool.mingus-gate] fail_on: unknown key; did you mean `fail-on`?"),
        ("[tool.mingus-gate]\n\nmin-scor = 3\n", "pyproject.toml:3: [tool.mingus-gate] min-scor: unknown key; did you mean `min-score`?"),
        ("[tool.mingus-gate]\nzzz = 3\n", "pyproject.toml:2: [tool.mingus-gate] zzz: unknown key; known are fail-on, min-score,"),
        ('[tool.mingus-gate]\nmin-score = "80"\n', "pyproject.toml:2: [tool.mingus-gate] min-score: input should be a valid number, not str '80'"),
        ("[tool.mingus-gate]\nmin-score = 101\n", "pyproject.toml:2: [tool.mingus-gate] min-score: input should be less than or equal to 100"),
        ('[tool.mingus-gate]\nfail-on = "always"\n', "fail-on: input should be 'critical', 'warning', 'new-critical' or 'never'"),
        ('[tool.mingus-gate]\ndisable = "tls"\n', "pyproject.toml:2: [tool.mingus-gate] disable: input should be a valid list"),
        ('[tool.mingus-gate]\ndisable = [\n  "tls.hst",\n]\n', "pyproject.toml:3: disable: no rule or check `tls.hst`; did you mean `tls.hsts`?"),
        ("[tool.mingus-gate]\nwaivers = [3]\n", "pyproject.toml:2: [tool.mingus-gate] waivers: must be an array of tables: write [[tool.min"),
        ("[tool]\nmingus-gate = 3\n", "pyproject.toml:2: tool.mingus-gate must be a table: write [tool.mingus-gate]"),
        ("[tool.mingus-gate\n", "pyproject.toml: not valid TOML: "),
        (b"\xff\xfe\x00", "pyproject.toml: cannot be read (UnicodeDecodeError); it must be a UTF-8 text file"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_key_and_remedy(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)


def test_two_mistakes_are_two_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "[tool.mingus-gate]\na = 1\nmin-score = true\n")
    assert len(str(caught.value).splitlines()) == 2


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: no such file"):
        load(tmp_path, tmp_path / "gone.toml")
