"""What stands before the application: whether the proxy or platform turns plain HTTP away and tells browsers to stay on HTTPS."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.kubernetes import objects
from mingus_gate.repo.deploy.nginx import ServerBlock, server_blocks
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.deploy.yaml_file import documents
from mingus_gate.repo.tree import File


@dataclass(frozen=True, slots=True)
class Edge:
    """Something that answers before the application does. `redirects`: plain HTTP is turned away, or served (False).

    `hsts` is the max-age it sends in seconds, None where it sends none.
    """

    name: str
    place: Place
    redirects: bool
    hsts: int | None = None


def edges(repo: Repo) -> list[Edge]:
    """Every proxy and platform entry of the tree that is not for development, in path and line order."""
    found = [*_nginx(repo), *_caddy(repo), *_traefik(repo), *_ingress(repo), *_platforms(repo), *_apache(repo)]
    return sorted(found, key=lambda edge: edge.place)


def max_age(text: str) -> int | None:
    """The seconds of a Strict-Transport-Security value."""
    match = re.search(r"max-age=\"?(\d+)", text)
    return int(match[1]) if match else None


def _nginx(repo: Repo) -> Iterator[Edge]:
    for block in repo.fact(server_blocks):
        if block.redirects_to_https:
            yield Edge("nginx redirects plain HTTP", _where(block, "return"), redirects=True)
        elif block.tls:
            header = next((d for d in block.all("add_header") if d.args and d.args[0].lower() == "strict-transport-security"), None)
            if header:
                yield Edge("nginx sends HSTS", header.place, redirects=True, hsts=max_age(" ".join(header.args)))
        if (block.plain or _listens_plain(block)) and block.passes_on and not block.redirects_to_https and not _behind_another(block):
            yield Edge("nginx passes plain HTTP on to the application", _where(block, "listen"), redirects=False)


def _where(block: ServerBlock, name: str) -> Place:
    return next((d.place for d in block.directives if d.name == name), block.place)


def _listens_plain(block: ServerBlock) -> bool:
    """Whether a block that ends TLS listens for plain HTTP too, the whole block not being `ssl on`."""
    ports = [d.args for d in block.directives if d.name == "listen" and d.args]
    return any("ssl" in args for args in ports) and any(args[0].rpartition(":")[2] == "80" and "ssl" not in args for args in ports)


def _behind_another(block: ServerBlock) -> bool:
    """Whether a proxy before this one ends TLS: it hands on the scheme it was told."""
    return any("$http_x_forwarded_proto" in word or "$http_cloudfront" in word for d in (*block.directives, *block.above) for word in d.args)


def _caddy(repo: Repo) -> Iterator[Edge]:
    """Caddy redirects by itself wherever a site's address is a name without `http://`."""
    for file in repo.files():
        if file.name.startswith("Caddyfile") and not for_development(file.path) and not file.mentions(b"auto_https off", b"auto_https disable"):
            hsts = re.search(r"Strict-Transport-Security\s+\"?([^\"\n]*)", file.text)
            for number, line in enumerate(file.lines, 1):
                match = re.match(r"([^\s#({][^#{]*?)\s*\{\s*$", line)
                if match and not re.match(r"http://|:\d+$|[\d.]+:|localhost", match[1]) and ("." in match[1] or "{$" in match[1]):
                    yield Edge("Caddy redirects plain HTTP", Place(file.path, number), redirects=True, hsts=max_age(hsts[1]) if hsts else None)


def _traefik(repo: Repo) -> Iterator[Edge]:
    redirect = re.compile(rb"redirectscheme\.scheme\s*[=:]\s*[\"']?https|redirections\.entry[pP]oint\.scheme=https", re.IGNORECASE)
    for file in repo.files(".yml", ".yaml", ".toml"):
        if for_development(file.path) or not file.mentions(b"redirect") or not file.mentions(b"raefik", b"entryPoint", b"entrypoint"):
            continue
        inside = re.search(rb"redirections:\s*\n\s*entryPoint:\s*\n(\s*\w+:.*\n)*?\s*scheme:\s*https", file.data)
        if match := redirect.search(file.data) or inside:
            line = file.data.count(b"\n", 0, match.start()) + 1
            seconds = re.search(rb"sts[sS]econds\s*[=:]\s*[\"']?(\d+)", file.data)
            yield Edge("Traefik redirects plain HTTP", Place(file.path, line), redirects=True, hsts=int(seconds[1]) if seconds else None)


def _ingress(repo: Repo) -> Iterator[Edge]:
    for path, told in repo.fact(objects):
        if told.text("kind") != "Ingress":
            continue
        notes = told.map("metadata").map("annotations")
        asked = next((key for key in notes if key.endswith("ssl-redirect") and notes.text(key) == "true"), "")
        refused = any(key.endswith("ssl-redirect") and notes.text(key) == "false" for key in notes)
        nginx = "nginx" in f"{told.map('spec').text('ingressClassName')} {notes.text('kubernetes.io/ingress.class')} {' '.join(notes)}"
        if asked or notes.text("kubernetes.io/ingress.allow-http") == "false":
            yield Edge("the ingress redirects plain HTTP", notes.place(path, asked), redirects=True)
        elif "tls" in told.map("spec") and nginx and not refused:
            yield Edge("ingress-nginx redirects plain HTTP where TLS is set", told.map("spec").place(path, "tls"), redirects=True)


def _platforms(repo: Repo) -> Iterator[Edge]:
    """Fly with `force_https`, App Engine with `secure: always`, Render, which always redirects."""
    for file in repo.files("fly.toml"):
        if _fly_forces(file):
            number = next((n for n, line in enumerate(file.lines, 1) if line.strip().startswith("force_https")), 1)
            yield Edge("Fly forces HTTPS", Place(file.path, number), redirects=True)
    for file in repo.files("app.yaml"):
        if file.mentions(b"secure: always"):
            number = next(n for n, line in enumerate(file.lines, 1) if "secure: always" in line)
            yield Edge("App Engine forces HTTPS", Place(file.path, number), redirects=True)
    for file in repo.files("render.yaml"):
        for document in documents(repo, file):
            for service in document.maps("services"):
                if service.text("type") == "web":
                    yield Edge("Render redirects plain HTTP", service.place(file.path, "type"), redirects=True)


def _fly_forces(file: File) -> bool:
    try:
        told = tomllib.loads(file.text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    service = told.get("http_service")
    ports = [port for s in _tables(told.get("services")) for port in _tables(s.get("ports"))]
    return any(table.get("force_https") is True for table in (*([service] if isinstance(service, dict) else []), *ports))


def _tables(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _apache(repo: Repo) -> Iterator[Edge]:
    for file in repo.files(".conf", ".htaccess", ".vhost", ".conf.j2"):
        if not file.mentions(b"VirtualHost", b"RewriteEngine", b"<Directory") or for_development(file.path):
            continue
        for number, line in enumerate(file.lines, 1):
            if re.match(r"\s*(Redirect\s+(permanent|301|302|temp)?\s*\S+\s+[\"']?https://|RewriteRule\s+\S+\s+[\"']?https://)", line, re.IGNORECASE):
                yield Edge("Apache redirects plain HTTP", Place(file.path, number), redirects=True)
            elif re.match(r"\s*Header\s+.*Strict-Transport-Security", line, re.IGNORECASE):
                yield Edge("Apache sends HSTS", Place(file.path, number), redirects=True, hsts=max_age(line))
