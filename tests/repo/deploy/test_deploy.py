"""Deploy files as facts: what is started, by what, where it is written; nothing hangs and nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mingus_gate.repo import Repo
from mingus_gate.repo.deploy import Command, commands, services
from mingus_gate.repo.deploy.dockerfile import dockerfiles
from mingus_gate.repo.deploy.nginx import server_blocks
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.deploy.script import read_script
from mingus_gate.repo.deploy.servers import servers
from mingus_gate.repo.deploy.shell import commands_of, expand, unwrap, words
from mingus_gate.repo.deploy.workflows import steps
from mingus_gate.repo.deploy.yaml_file import documents
from tests.tools import Files, write

COMPOSE = """
    x-app: &app
      build: {context: ., target: web}
      environment: &env
        DATABASE_URL: postgresql://db/app
        DEBUG: false
    services:
      web:
        <<: *app
        environment:
          <<: *env
          WORKERS: 4
        ports:
          - "8000:8000"
          - {target: 9000, published: 9001, host_ip: 127.0.0.1}
        healthcheck:
          test: ["CMD", "curl", "-f", "http://localhost:8000/health"]
        command: gunicorn --workers 4 app:app
      cache:
        image: redis:7
        environment:
          - REDIS_ARGS=--save 60
        command: ["redis-server", "--requirepass", "x"]
      web-dev:
        image: app
        command: flask run
"""
CHART = """\
apiVersion: apps/v1
kind: Deployment
spec:
  {{- if .x }}
  template:
    spec:
      containers:
        - name: {{ .name }}
          command: [gunicorn, app]
"""
NGINX = """\
http {
  add_header A "b; c" always;
  server {
    listen 80;
    location ~ \\.php$ { deny all; }
    location /a { proxy_pass http://x; }
  }
}
"""


def _repo(folder: Path, files: Files) -> Repo:
    return Repo(write(folder, files))


def _shown(repo: Repo) -> list[str]:
    return [f"{c.kind} {c.place} {' '.join(c.argv)}" for c in repo.fact(commands)]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"Dockerfile": 'FROM x\nCMD ["gunicorn", "app:app"]\n'}, ["dockerfile Dockerfile:2 gunicorn app:app"]),
        (
            {"Dockerfile": "FROM x\nCMD flask db upgrade && exec gunicorn a:b\n"},
            ["dockerfile Dockerfile:2 flask db upgrade", "dockerfile Dockerfile:2 gunicorn a:b"],
        ),
        ({"Dockerfile": 'FROM x\nCMD ["gunicorn", \\\n  "app:app"]\n'}, ["dockerfile Dockerfile:2 gunicorn app:app"]),
        ({"Dockerfile": "FROM x AS base\nCMD gunicorn app:app\nFROM base\nRUN true\n"}, ["dockerfile Dockerfile:2 gunicorn app:app"]),
        (
            {"Dockerfile": "FROM x\nENV PORT=80\nRUN <<EOF\nCMD no\nEOF\nCMD gunicorn -b :$PORT app:app\n"},
            ["dockerfile Dockerfile:6 gunicorn -b :80 app:app"],
        ),
        ({"Dockerfile.dev": "FROM x\nCMD flask run\n", ".ci/Dockerfile": "FROM x\nCMD pytest\n"}, []),
        (
            {"Procfile": "web: gunicorn app:app\nrelease: flask db upgrade\n"},
            ["procfile Procfile:1 gunicorn app:app", "procfile Procfile:2 flask db upgrade"],
        ),
        (
            {"deploy/web.service": '[Service]\nEnvironment="PORT=80"\nExecStart=/usr/bin/env gunicorn \\\n  -b :${PORT} app:app\n'},
            ["systemd deploy/web.service:3 gunicorn -b :80 app:app"],
        ),
        (
            {"supervisord.conf": "[program:web]\ncommand = newrelic-admin run-program gunicorn app:app\n"},
            ["supervisor supervisord.conf:2 gunicorn app:app"],
        ),
        ({"render.yaml": "services:\n  - type: web\n    startCommand: gunicorn app:app\n"}, ["platform render.yaml:3 gunicorn app:app"]),
        ({"app.yaml": "runtime: python312\nentrypoint: gunicorn main:app\n"}, ["platform app.yaml:2 gunicorn main:app"]),
        ({"fly.toml": '[processes]\nweb = "gunicorn app:app"\n'}, ["platform fly.toml:2 gunicorn app:app"]),
        (
            {".github/workflows/deploy.yml": "jobs:\n  ship:\n    steps:\n      - run: |\n          pip install\n          flask db upgrade\n"},
            ["workflow .github/workflows/deploy.yml:5 pip install", "workflow .github/workflows/deploy.yml:6 flask db upgrade"],
        ),
        ({".github/workflows/tests.yml": "on: push\njobs:\n  test:\n    steps:\n      - run: flask run &\n"}, []),
    ],
)
def test_what_production_starts(tmp_path: Path, files: Files, expected: list[str]) -> None:
    assert _shown(_repo(tmp_path, files)) == expected


def test_scripts_are_followed_with_their_arguments(tmp_path: Path) -> None:
    repo = _repo(
        tmp_path,
        {
            "Dockerfile": 'FROM x\nENTRYPOINT ["/docker-entrypoint.sh"]\nCMD ["web"]\n',
            "docker/docker-entrypoint.sh": '#!/bin/sh\nset -e\ncase "$1" in\n  web) exec ./run.sh 80 ;;\n  *) exec "$@" ;;\nesac\n',
            "docker/run.sh": "#!/bin/sh\nflask db upgrade\nexec gunicorn -b :$1 app:app\n",
        },
    )
    assert [c.place.path for c in repo.fact(commands)] == ["Dockerfile", "docker/docker-entrypoint.sh", "docker/run.sh", "docker/run.sh"]
    assert all(c.entry for c in repo.fact(commands))


def test_what_the_script_was_given_stands_where_it_was_written(tmp_path: Path) -> None:
    files = {"Dockerfile": 'FROM x\nENTRYPOINT ["./entry.sh"]\nCMD ["gunicorn", "app:app"]\n', "entry.sh": '#!/bin/sh\nexec "$@" --workers 4\n'}
    last = _repo(tmp_path, files).fact(commands)[-1]
    assert (str(last.place), last.kind, last.argv) == ("Dockerfile:2", "dockerfile", ("gunicorn", "app:app", "--workers", "4"))


def test_a_script_that_nothing_starts_is_no_entry(tmp_path: Path) -> None:
    assert [c.entry for c in _repo(tmp_path, {"start.sh": "#!/bin/sh\nflask run\n"}).fact(commands)] == [False]


def test_services_of_a_compose_file(tmp_path: Path) -> None:
    repo = _repo(tmp_path, {"compose.yaml": COMPOSE, "Dockerfile": "FROM x AS web\nCMD gunicorn app:app\n", "docker-compose.override.yml": COMPOSE})
    web, cache = repo.fact(services)
    assert (web.name, str(web.place), web.build, web.target) == ("web", "compose.yaml:8", "Dockerfile", "web")
    assert dict(web.environment) == {"DATABASE_URL": "postgresql://db/app", "DEBUG": "false", "WORKERS": "4"}
    assert str(web.places["environment.WORKERS"]) == "compose.yaml:12"
    assert web.ports == ("8000:8000", "127.0.0.1:9001:9000")
    assert web.healthcheck == ("curl", "-f", "http://localhost:8000/health")
    assert (cache.image, cache.command, dict(cache.environment)) == ("redis:7", ("redis-server", "--requirepass", "x"), {"REDIS_ARGS": "--save 60"})


def test_the_stage_for_production_is_taken(tmp_path: Path) -> None:
    image = _repo(tmp_path, {"Dockerfile": "FROM a AS production\nCMD x\nFROM a AS dev\nCMD y\n"}).fact(dockerfiles)[0]
    stage = image.stage()
    assert stage
    assert stage.name == "production"
    assert image.stage("nothing-of-that-name") is None


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("exec poetry run gunicorn app:app", ("gunicorn", "app:app")),
        ("A=1 B='x y' uv run --frozen gunicorn app:app", ("gunicorn", "app:app")),
        ("python -u -m gunicorn app:app", ("gunicorn", "app:app")),
        ("gosu app dumb-init -- gunicorn app:app 2>&1", ("gunicorn", "app:app")),
        ("wait-for-it db:5432 -t 30 -- gunicorn app:app", ("gunicorn", "app:app")),
        ("sudo -u www-data /srv/venv/bin/gunicorn app:app", ("/srv/venv/bin/gunicorn", "app:app")),
        ("newrelic-admin run-program gunicorn app:app > /dev/null", ("gunicorn", "app:app")),
    ],
)
def test_what_only_starts_another_is_left_out(text: str, argv: tuple[str, ...]) -> None:
    assert unwrap(words(text))[0] == argv


def test_a_line_is_split_into_its_commands() -> None:
    assert commands_of("a && b 'c; d' 2>&1 | e &") == ["a", "b 'c; d' 2>&1", "e"]
    assert commands_of("sh -c 'flask db upgrade; gunicorn $(cat x) app:app'") == ["flask db upgrade", "gunicorn $(cat x) app:app"]


def test_variables_stand_as_their_default() -> None:
    assert expand("-w ${A:-4} -t $B -x ${C} ${D:-${B:-1}}", {"B": "30"}) == "-w 4 -t 30 -x ${C} 30"
    assert expand("$A", {"A": "$A$A"})  # refers to itself: ends


@pytest.mark.parametrize(
    ("flag", "value"), [(("-w", "--workers"), "4"), (("--timeout",), "30"), (("-b",), ":80"), (("--reload",), ""), (("--nothing",), None)]
)
def test_flags(flag: tuple[str, ...], value: str | None, tmp_path: Path) -> None:
    command = _repo(tmp_path, {"Procfile": "web: gunicorn -w4 --timeout=30 -b :80 --reload app:app\n"}).fact(commands)[0]
    reload = Command("procfile", "", (*command.argv[:-2], "--reload", "--preload"), command.place)
    assert (reload if flag == ("--reload",) else command).flag(*flag) == value


def test_branches_for_development_are_not_reached() -> None:
    script = read_script('if [ "$ENV" != "production" ]; then\n  flask run\nelse\n  gunicorn app:app\nfi\nif [ "$DEBUG" = 1 ]; then x; fi\n')
    assert [line.text for line in script.reached()] == ["gunicorn app:app"]


def test_functions_run_only_where_they_are_called() -> None:
    script = read_script("web() { gunicorn app:app; }\nfunction dev {\n  flask run\n}\nweb\n")
    assert [line.text for line in script.reached()] == ["gunicorn app:app"]


def test_here_documents_and_comments_are_no_commands() -> None:
    script = read_script("# flask run\ncat <<EOF > x\nflask run\nEOF\ngunicorn app:app # flask run\n")
    assert [line.text for line in script.reached()] == ["cat <<EOF > x", "gunicorn app:app"]


def test_recursion_of_functions_ends() -> None:
    assert len(list(read_script("a() { b; }\nb() { a; }\na\n").reached())) < 10


@pytest.mark.parametrize(
    "text",
    ["services: [", "a: b: c", "\t- x", "? [", "%YAML 9\n---\n- \x00", "a: " + "[" * 500, "a:\n" + "".join(" " * n + "a:\n" for n in range(300))],
)
def test_yaml_that_does_not_parse_is_noted_and_nothing_more(tmp_path: Path, text: str) -> None:
    repo = _repo(tmp_path, {"compose.yaml": text.encode()})
    assert repo.fact(services) == []
    assert list(repo.blind) == ["compose.yaml"]
    assert [u.path for u in repo.scanned.not_parsed] == ["compose.yaml"]


def test_aliases_neither_unfold_nor_loop(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{p}, *{p}, *{p}, *{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True))
    loop = "s: &s\n  self: *s\nm: &m {<<: *s}\n"
    repo = _repo(tmp_path, {"a.yaml": bomb, "b.yaml": loop})
    for name in ("a.yaml", "b.yaml"):
        file = repo.file(name)
        assert file
        assert documents(repo, file)
    assert not repo.blind


def test_lines_and_keys_are_kept(tmp_path: Path) -> None:
    repo = _repo(
        tmp_path, {".github/workflows/deploy.yml": "on:\n  schedule:\n    - cron: '0 3 * * *'\njobs:\n  a:\n    steps:\n      - uses: x/y@v1\n"}
    )
    assert [(s.uses, s.schedule, str(s.place)) for s in repo.fact(steps)] == [("x/y@v1", "0 3 * * *", ".github/workflows/deploy.yml:7")]


def test_a_template_of_helm_is_read_without_its_marks(tmp_path: Path) -> None:
    assert _shown(_repo(tmp_path, {"chart/templates/web.yaml": CHART})) == ["k8s chart/templates/web.yaml:9 gunicorn app"]


def test_server_blocks_of_nginx(tmp_path: Path) -> None:
    (block,) = _repo(tmp_path, {"nginx.conf": NGINX}).fact(server_blocks)
    assert (str(block.place), block.plain, block.passes_on, block.redirects_to_https) == ("nginx.conf:3", True, True, False)
    assert block.all("add_header")[0].args == ("A", "b; c", "always")
    assert [(d.name, d.within) for d in block.directives] == [("listen", ()), ("deny", ("location ~ \\.php$",)), ("proxy_pass", ("location /a",))]


def test_binary_and_odd_files_do_no_harm(tmp_path: Path) -> None:
    odd = {
        "Dockerfile": b"\x00\xff\xfe",
        "Procfile": b"\xff\xfew\x00",
        "a.service": b"[Service]\nExecStart=\xe9\n",
        "nginx.conf": b"server {" * 5000,
        "start.sh": b"#!/bin/sh\n'\n\\",
    }
    repo = _repo(tmp_path, odd)
    repo.fact(commands)
    repo.fact(server_blocks)
    assert repo.fact(servers) == []


@pytest.mark.parametrize(
    ("path", "development"),
    [("docker-compose.dev.yml", True), (".ci/compose.yaml", True), ("deploy/nginx.conf", False), ("local_settings/x", True), ("device.yml", False)],
)
def test_for_development(path: str, development: bool) -> None:
    assert for_development(path) is development
