"""Secrets in text, told by their shape: keys of providers, private keys, database addresses with a password.

Every shape begins with a literal; only where its bytes are found is a pattern tried. Standard library only: commit
hooks ask.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File

BINARY = re.compile(
    r"\.(png|jpe?g|gif|ico|bmp|webp|avif|tiff?|svgz?|woff2?|ttf|otf|eot|mp[34]|m4a|mov|avi|webm|ogg|wav|pdf|zip|gz|bz2|xz|7z|tar|tgz|rar|jar|war"
    r"|doc|xls|ppt|odt|pyc|pyd|so|dylib|dll|exe|wasm|db|sqlite3?|psd|ai|mo|snap|map|lock)$"
    r"|(^|/)(package-lock\.json|pnpm-lock\.yaml|npm-shrinkwrap\.json)$",
    re.IGNORECASE,
)
"""Not text, or written by a tool: lock files hold nothing but hashes."""

OFFICE = (".docx", ".xlsx", ".pptx")
OFFICE_PART = re.compile(r"word/\w+\.xml|xl/sharedStrings\.xml|ppt/slides/\w+\.xml")
RUN = re.compile(rb"<(?:\w+:)?t(?: [^>]*)?>([^<]+)|</(?:\w+:)?(?:p|si)>")
PIECE = 1024 * 1024
MAX_PART = 64 * PIECE
"""Enough for a book; a small file that unzips to more is not meant to be read."""
FOR_TESTS = re.compile(
    r"(^|[/._-])(tests?|testing|fixtures?|molecule|vagrant|ci|e2e|dev|devel|develop|development|local|mocks?)([/._-]|$)", re.IGNORECASE
)

WORDS = re.compile(
    r"(?>placeholder|example|sample|password|passw0rd|passphrase|passwd|pass|pwd|secret|private|public|signing|encryption|encrypted|encrypt|change|changeit"
    r"|replace|insert|enter|fill|update|generate|generated|random|string|strong|secure|insecure|unsafe|default|dummy|fake|mock|test|testing|tester|demo"
    r"|develop|development|dev|debug|local|localhost|production|prod|staging|stage|super|very|really|long|hard|guess|not|never|ever|will|you|your|yours|my|me|own"
    r"|the|this|that|it|in|to|for|with|and|or|of|on|at|here|some|any|please|must|should|only|use|used|set|todo|fixme|tbd|none|null|nil|undefined|true|false"
    r"|api|key|keys|token|auth|jwt|csrf|session|cookie|salt|hash|hmac|aes|access|refresh|bearer|client|server|service|account|value|values|number|bits|bytes"
    r"|user|username|admin|administrator|root|guest|owner|login|app|apps|application|flask|django|web|site|backend|frontend|mail|email|smtp|gmail|database|db"
    r"|postgresql|postgres|mysql|mariadb|mongodb|mongo|redis|rabbitmq|rabbit|guest|celery|broker|docker|compose|stripe|twilio|sendgrid|google|github|slack|aws"
    r"|foo|bar|baz|qux|hello|world|abc|abcdef|xyz|qwerty|letmein|welcome|blah|stuff|more|random|lorem|ipsum|char|chars|character|characters|minimum|min|base|hex|a|x|[\W\d_])*+",
    re.IGNORECASE,
)
REFERENCE = re.compile(
    r"\$\{|\$\(|\$[A-Za-z_]|\{\{|\{[\w.\[\]'\"!:]*\}|<[^<>]+>|%\(|%s|%[A-Z_]+%|ENC\[|^encrypted:|^vault:|^(?:aws|gcp|op|ssm|secret)[\w-]*:|\[redacted|^file:",
    re.IGNORECASE,
)
TELLTALE = re.compile(
    r"example|placeholder|change.?me|your[-_ .]|[-_ .]here$|dummy|xxxx|\*\*\*|\.\.\.|to_fill|redacted|not.?real|123456|abcdefgh|012345|replace",
    re.IGNORECASE,
)
LOCAL = re.compile(
    r"localhost|127\.[\d.]+|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|[\w-]+|.*\.(local|localhost|localdomain|test|example|invalid|lan)|(.*\.)?example\.(com|org|net)"
    r"|(.*\.)?(your|my)[\w-]*\..*|(.*\.)?(host|hostname|server|domain|company|acme)(\.\w+)?",
    re.IGNORECASE,
)
"""Hosts nobody outside can reach, names within a compose network, and made-up ones."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a secret of one kind looks like. `starts` are the literals it begins with."""

    kind: str
    starts: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    after: bytes = rb"(?![A-Za-z0-9])"


def _shape(kind: str, starts: str, rest: str) -> Shape:
    """A token: begins with one of `starts` at the start of a word, and `rest` is its random part."""
    words = tuple(word.encode() for word in starts.split())
    pattern = b"(?<![A-Za-z0-9_-])(?:" + b"|".join(map(re.escape, words)) + b")(?P<random>" + rest.encode() + b")(?![A-Za-z0-9_])"
    return Shape(kind, words, re.compile(pattern))


TOKENS = (
    _shape("live Stripe key", "sk_live_ rk_live_", r"[A-Za-z0-9]{20,247}"),
    _shape("Stripe webhook secret", "whsec_", r"[A-Za-z0-9+/]{32,64}"),
    _shape("GitHub token", "ghp_ gho_ ghs_", r"[A-Za-z0-9]{36}"),
    _shape("GitHub token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _shape("GitLab token", "glpat-", r"[A-Za-z0-9_-]{20,}"),
    _shape("Slack token", "xox", r"[abprs]-(?:[0-9]{9,14}-){1,3}[A-Za-z0-9]{20,}"),
    _shape("SendGrid key", "SG.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _shape("OpenAI or Anthropic key", "sk-", r"(?:proj|svcacct|admin|ant-(?:api|admin)\d\d)-[A-Za-z0-9_-]{40,}"),
    _shape("npm token", "npm_", r"[A-Za-z0-9]{36}"),
    _shape("PyPI token", "pypi-AgEIcHlwaS5vcmc", r"[A-Za-z0-9_-]{50,}"),
    _shape("DigitalOcean token", "dop_v1_", r"[a-f0-9]{64}"),
    _shape("Shopify token", "shp", r"(?:at|ss|ca|pa)_[a-fA-F0-9]{32}"),
    _shape("Square token", "sq0atp- sq0csp-", r"[A-Za-z0-9_-]{22,43}"),
    _shape("Hugging Face token", "hf_", r"[A-Za-z]{34}"),
    _shape("Mailgun key", "key-", r"[a-f0-9]{32}"),
    _shape("Plaid production token", "access-production-", r"[a-f0-9]{8}-[a-f0-9-]{27}"),
)
OTHERS = (
    Shape(
        "Slack webhook address",
        (b"hooks.slack.com/services/",),
        re.compile(rb"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/(?P<random>[A-Za-z0-9]{24})(?![A-Za-z0-9])"),
    ),
    Shape("Azure storage key", (b"AccountKey=",), re.compile(rb"AccountKey=(?!Eby8vdM0)(?P<random>[A-Za-z0-9+/]{86}==)")),
    Shape("AWS access key", (b"AKIA",), re.compile(rb"(?<![A-Za-z0-9])AKIA(?P<random>[A-Z2-7]{16})(?![A-Za-z0-9])")),
    Shape(
        "private key",
        (b"-----BEGIN ",),
        re.compile(rb"-----BEGIN (?:RSA |EC |DSA |OPENSSH )?PRIVATE KEY-----(?:\s|\\[nr]|[\"'+,])*(?P<random>[A-Za-z0-9+/]{40})"),
    ),
    Shape(
        "database address with a password",
        (b"postgres", b"mysql", b"mongodb", b"redis", b"amqp", b"mariadb", b"mssql"),
        re.compile(
            rb"(?:postgres(?:ql)?|mysql|mongodb|rediss?|amqps?|mariadb|mssql)(?:\+\w+)?://(?P<user>[^\s:/@\"'`<>{}$]*):(?P<random>[^\s/@\"'`<>{}$]{4,80})"
            rb"@(?P<host>[A-Za-z0-9._-]+)"
        ),
    ),
)
SHAPES = TOKENS + OTHERS
AWS_SECRET = re.compile(rb"(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+]*[a-z])(?=[A-Za-z0-9/+]*[A-Z])(?=[A-Za-z0-9/+]*\d)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret seen in a file. Its value is kept nowhere."""

    kind: str
    place: Place


def is_placeholder(value: str) -> bool:
    """Whether a value is no secret: empty, a reference, or made of words people write where one should go."""
    return (
        len(value) < 6
        or bool(REFERENCE.search(value))
        or bool(TELLTALE.search(value))
        or len(set(value)) < 5
        or (len(value) <= 200 and WORDS.fullmatch(value) is not None)
    )


def find_secrets(data: bytes) -> Iterator[tuple[str, int]]:
    """The kind and the offset of each secret in `data`."""
    for shape in SHAPES:
        for start in shape.starts:
            at = data.find(start)
            while at >= 0:
                if (match := shape.pattern.match(data, at)) and _real(shape, match, data):
                    yield shape.kind, at
                at = data.find(start, at + len(start))


def _real(shape: Shape, match: re.Match[bytes], data: bytes) -> bool:
    value = match["random"].decode("latin-1")
    if shape.kind == "private key":
        return not TELLTALE.search(value)
    if shape.kind == "AWS access key":
        near = data[max(0, match.start() - 400) : match.end() + 400]
        return not is_placeholder(value) and any(not TELLTALE.search(m[0].decode()) for m in AWS_SECRET.finditer(near))
    if "host" in match.re.groupindex:
        host, user = match["host"].decode("latin-1"), match["user"].decode("latin-1")
        return not (LOCAL.fullmatch(host) or is_placeholder(value) or value == user)
    return not is_placeholder(value) and len(set(value)) >= 8


@dataclass(frozen=True, slots=True)
class Search:
    """What a search of the tree came to: how many files were read, and the secrets in them, in path and line order."""

    files: int
    secrets: tuple[Secret, ...]


def search(repo: Repo) -> Search:
    """Searches every tracked text file and Office document, but vendored ones; private keys not where tests use them."""
    files = 0
    found: list[Secret] = []
    for file in repo.tree:
        if file.role is Role.VENDORED or BINARY.search(file.path):
            continue
        if (secrets := file.fact(_secrets)) is not None:
            files += 1
            found += secrets
    return Search(files, tuple(sorted(dict.fromkeys(found), key=lambda secret: secret.place)))


def _secrets(file: File) -> list[Secret] | None:
    """The secrets in a file, or None of a binary one."""
    office = file.path.endswith(OFFICE)
    if (data := _office_text(file) if office else _text(file)) is None:
        return None
    return [
        Secret(kind, Place(file.path, 1 if office else data.count(b"\n", 0, at) + 1))
        for kind, at in find_secrets(data)
        if kind != "private key" or (file.role in (Role.PRODUCTION, Role.GENERATED) and not FOR_TESTS.search(file.path))
    ]


def _text(file: File) -> bytes | None:
    """The text as UTF-8, or None of a binary file."""
    data = file.read()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return None if b"\0" in data[:8192] else data


def _office_text(file: File) -> bytes | None:
    """The words of a .docx, .xlsx or .pptx, which is zipped XML; None where it cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.read())) as archive:
            return b"".join(text for name in archive.namelist() if OFFICE_PART.fullmatch(name) for text in _part(archive, name))
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zlib.error):
        return None


def _part(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The words of one part, read in pieces that end where a tag ends, no more than `MAX_PART` bytes of it."""
    with archive.open(name) as part:
        rest, read = b"", 0
        while read < MAX_PART and (piece := part.read(PIECE)):
            read += len(piece)
            text, end, rest = (rest + piece).rpartition(b"</")
            rest = end + rest
            yield b"".join(match[1] or b"\n" for match in RUN.finditer(text))
        yield b"".join(match[1] or b"\n" for match in RUN.finditer(rest))
