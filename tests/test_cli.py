"""The command as people meet it: exit codes, formats, mistakes, colour."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from mingus_gate import __version__, cli
from mingus_gate.checks import CHECKS, RULES
from tests.tools import write

CRITICAL = "from flask import Flask\napp = Flask(__name__)\napp.secret_key = 'a-literal-in-the-code'\n"


def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mingus_gate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})}, check=False)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    return write(tmp_path / "faulty", {"app.py": CRITICAL})


def test_exit_1_when_a_critical_rule_fails_and_0_when_nothing_may_block(faulty: Path) -> None:
    assert run("check", faulty).returncode == 1
    assert run("check", faulty, "--fail-on", "never").returncode == 0


def test_an_empty_folder_is_no_score_and_no_block(tmp_path: Path) -> None:
    done = run("check", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(" NOT READY   no score (UNKNOWN)  0% verified\nNothing could be assessed")


def test_ten_empty_files_named_like_security_modules_get_no_point(tmp_path: Path) -> None:
    names = ("security", "rate_limiter", "backup", "ssl_config", "health", "monitoring", "cache", "celery_tasks", "payments", "error_handlers")
    write(tmp_path, {f"backend/{name}.py": "" for name in names})
    report = json.loads(run("check", tmp_path, "--format", "json").stdout)
    assert (report["score"], report["coverage"], report["grade"], report["verdict"]) == (None, 0.0, "UNKNOWN", "not-ready")
    assert {result["kind"] for result in report["results"]} == {"unknown"}


def test_the_text_names_the_rule_the_place_and_the_fix(faulty: Path) -> None:
    shown = run("check", faulty).stdout
    assert shown.startswith(" BLOCKED ")
    for words in ("security-config.secret-key", "app.py:3", RULES["security-config.secret-key"].fix[:40], "1 file (listed by file system)"):
        assert words in shown


def test_one_run_several_reports(faulty: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "report.json", tmp_path / "report.md"
    done = run("check", faulty, "--format", "json", "--output", out, "--format", "markdown", "--output", page, "--format", "text")
    assert done.stdout.startswith(" BLOCKED ")
    assert json.loads(out.read_text("utf-8"))["verdict"] == "blocked"
    assert "security-config.secret-key" in page.read_text("utf-8")


def test_only_asks_the_named_checks(faulty: Path) -> None:
    report = json.loads(run("check", faulty, "--only", "tls", "cache", "--format", "json").stdout)
    assert [check["id"] for check in report["checks"]] == ["tls", "cache"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "no-such-folder"], "no-such-folder: not a folder"),
        (["check", "--only", "tsl"], "--only: no check `tsl`; did you mean `tls`?"),
        (["check", "--min-score", "120"], "'120' is not a number from 0 to 100"),
        (["check", "--fail-on", "always"], "invalid choice: 'always'"),
        (["check", "--format", "json", "--format", "text"], "only one can go to standard output"),
        (["check", "--output", "a", "--output", "b"], "2 files for 1 formats"),
        (["check", "--config", "gone.toml"], "gone.toml: no such file"),
        (["check", "--format", "json", "--output", "no/such/folder/x.json"], "cannot be written (No such file or directory)"),
        (["explain", "tls.hst"], "no rule or check `tls.hst`; did you mean `tls.hsts`?"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_a_mistake_in_use_is_one_clear_line_and_exit_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_in_the_configuration_is_exit_2(faulty: Path) -> None:
    write(faulty, {"pyproject.toml": "[tool.mingus-gate]\nfail_on = 'never'\n"})
    done = run("check", faulty)
    assert done.returncode == 2
    assert "pyproject.toml:2: [tool.mingus-gate] fail_on: unknown key; did you mean `fail-on`?" in done.stderr


def test_the_configuration_decides_and_the_command_line_wins(faulty: Path) -> None:
    write(faulty, {"pyproject.toml": "[tool.mingus-gate]\nfail-on = 'never'\n"})
    assert run("check", faulty).returncode == 0
    assert run("check", faulty, "--fail-on", "critical").returncode == 1


def test_a_fault_of_ours_is_exit_3_with_versions_and_without_secrets(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    canary = "sk_" + "live_" + "c4n4ry" * 4

    def burst(arguments: object) -> int:
        raise RuntimeError(canary)

    monkeypatch.setattr(cli, "_rules", burst)
    assert cli.main(["rules"]) == 3
    shown = capsys.readouterr().err
    assert f"mingus-gate {__version__}" in shown
    assert "report it" in shown
    assert canary not in shown


def test_an_interrupt_is_exit_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_rules", interrupted)
    assert cli.main(["rules"]) == 130


def test_every_rule_is_listed_and_can_be_explained() -> None:
    listed = run("rules").stdout
    assert all(code in listed for code in RULES)
    for check in CHECKS:
        shown = run("explain", check.id).stdout
        assert all(rule.title in shown for rule in check.rules)


def _in_a_terminal(*arguments: object, **env: str) -> bytes:
    """What the command shows where standard output and error are a terminal."""
    main, side = pty.openpty()
    command = [sys.executable, "-m", "mingus_gate", *map(str, arguments)]
    with subprocess.Popen(command, stdout=side, stderr=side, stdin=side, env={**os.environ, "TERM": "xterm", **env}) as process:
        os.close(side)
        shown = b""
        try:
            while chunk := os.read(main, 65536):
                shown += chunk
        except OSError:  # the other side is closed: the end
            pass
        process.wait(timeout=60)
    os.close(main)
    return shown


def test_colour_and_progress_are_for_terminals_only(faulty: Path) -> None:
    shown = _in_a_terminal("check", faulty)
    assert b"\x1b[1;37;41m BLOCKED" in shown
    assert b"Monitoring: Will somebody know" in shown
    assert "\x1b" not in run("check", faulty).stdout + run("check", faulty).stderr


def test_no_color_is_obeyed(faulty: Path) -> None:
    shown = _in_a_terminal("check", faulty, NO_COLOR="1")
    assert b"\x1b[31m" not in shown
    assert b"\x1b[1;31m" not in shown


def test_a_reader_that_leaves_early_is_no_error(faulty: Path) -> None:
    for command, code in (("rules", 0), (f"check {faulty} --format json", 1)):
        reader, writer = os.pipe()
        os.close(reader)
        gate = [sys.executable, "-m", "mingus_gate", *command.split()]
        done = subprocess.run(gate, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        os.close(writer)
        assert (done.returncode, done.stderr) == (code, "")


def test_a_page_with_a_trend_and_permalinks(faulty: Path, tmp_path: Path) -> None:
    earlier, page = tmp_path / "earlier.json", tmp_path / "page.html"
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(faulty), *command], check=True)
    run("check", faulty, "--format", "json", "--output", earlier)
    text = json.loads(earlier.read_text("utf-8"))
    earlier.write_text(json.dumps({**text, "started_at": "2026-01-02T00:00:00+00:00"}), "utf-8")
    server = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/shop"}
    done = run("check", faulty, "--history", earlier, "--format", "html", "--output", page, env=server)
    assert (done.returncode, done.stderr) == (1, "")
    shown = page.read_text("utf-8")
    assert f'href="https://github.com/acme/shop/blob/{text["commit"]}/app.py#L3"' in shown
    assert "2 reports since 2026-01-02" in shown


def test_an_earlier_report_that_is_none_is_a_mistake(faulty: Path) -> None:
    done = run("check", faulty, "--history", faulty / "app.py", "--format", "html")
    assert done.returncode == 2
    assert "cannot be read as JSON" in done.stderr
