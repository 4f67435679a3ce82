import io
import time
import zipfile
from pathlib import Path

import pytest

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.env.secrets import SHAPES, find_secrets, is_placeholder, search
from tests.tools import write

MIXED = "".join(chr(65 + 7 * n % 26) + chr(97 + 11 * n % 26) + str(n % 10) for n in range(60))
"""Looks random, and is not."""
HEX = "".join("0123456789abcdef"[(7 * n + n // 5) % 16] for n in range(80))
LETTERS = "".join(chr(97 + 7 * n % 26) for n in range(60))
UPPER = "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(11 * n + n // 3) % 32] for n in range(16))
PHRASE = "correct-horse-9-battery"


def kinds(text: str) -> list[str]:
    return [kind for kind, _ in find_secrets(text.encode())]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("sk_" + "live_" + MIXED[:24], "live Stripe key"),
        ("rk_" + "live_" + MIXED[:99], "live Stripe key"),
        ("wh" + "sec_" + MIXED[:32], "Stripe webhook secret"),
        ("gh" + "p_" + MIXED[:36], "GitHub token"),
        ("github" + "_pat_" + MIXED[:22] + "_" + MIXED[:59], "GitHub token"),
        ("gl" + "pat-" + MIXED[:20], "GitLab token"),
        ("xo" + "xb-4815162342-4815162342-" + MIXED[:24], "Slack token"),
        ("hooks.slack" + ".com/services/T" + UPPER[:9] + "/B" + UPPER[:9] + "/" + MIXED[:24], "Slack webhook address"),
        ("SG" + "." + MIXED[:22] + "." + MIXED[:43], "SendGrid key"),
        ("sk" + "-proj-" + MIXED[:48], "OpenAI or Anthropic key"),
        ("sk" + "-ant-api03-" + MIXED[:93], "OpenAI or Anthropic key"),
        ("np" + "m_" + MIXED[:36], "npm token"),
        ("py" + "pi-AgEIcHlwaS5vcmc" + MIXED[:60], "PyPI token"),
        ("do" + "p_v1_" + HEX[:64], "DigitalOcean token"),
        ("sh" + "pat_" + HEX[:32], "Shopify token"),
        ("sq0" + "csp-" + MIXED[:43], "Square token"),
        ("h" + "f_" + LETTERS[:34], "Hugging Face token"),
        ("ke" + "y-" + HEX[:32], "Mailgun key"),
        ("access" + "-production-" + HEX[:8] + "-" + HEX[8:12] + "-" + HEX[12:16] + "-" + HEX[16:20] + "-" + HEX[20:32], "Plaid production token"),
        ("Account" + "Key=" + MIXED[:86] + "==", "Azure storage key"),
        ("AK" + "IA" + UPPER + "\nsecret = '" + MIXED[:40] + "'", "AWS access key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\n" + MIXED[:64], "private key"),
        ('"private_key": "-----BEGIN ' + "PRIVATE KEY-----\\n" + MIXED[:64] + '"', "private key"),
        ("postgresql+psycopg2://app:" + PHRASE + "@db.mingus.dev:5432/app", "database address with a password"),
        ("redis://:" + PHRASE + "@10.1.2.3:6379/0", "database address with a password"),
        ("mongodb+srv://app:" + PHRASE + "@cluster0.mingus.dev", "database address with a password"),
    ],
)
def test_shapes(text: str, kind: str) -> None:
    assert kinds(f"x = '{text}'\n") == [kind]


def test_every_shape_is_tested() -> None:
    marks = [mark for mark in getattr(test_shapes, "pytestmark", []) if mark.name == "parametrize"]
    assert {shape.kind for shape in SHAPES} == {kind for _, kind in marks[0].args[1]}


@pytest.mark.parametrize(
    "text",
    [
        "sk_" + "live_" + "x" * 24,
        "sk_" + "live_your_live_key_goes_here",
        "a" + "sk_" + "live_" + MIXED[:24],
        "gh" + "p_" + "A" * 36,
        "AK" + "IA" + UPPER,
        "AK" + "IAIOSFODNN7EXAMPLE " + MIXED[:40],
        "-----BEGIN " + "PRIVATE KEY-----\n...\n",
        "-----BEGIN ENCRYPTED " + "PRIVATE KEY-----\n" + MIXED[:64],
        "postgresql://app:" + PHRASE + "@db:5432/app",
        "postgresql://app:" + PHRASE + "@localhost/app",
        "postgresql://app:" + PHRASE + "@db.example.com/app",
        "postgresql://app:password@db.mingus.dev/app",
        "postgresql://app:${PASSWORD}@db.mingus.dev/app",
        "postgresql://mingus_user:mingus_user@db.mingus.dev/app",
        "postgresql://user:pass@host:5432/db",
        "redis://localhost:6379/0",
    ],
)
def test_no_secrets(text: str) -> None:
    assert kinds(f"x = '{text}'\n") == []


@pytest.mark.parametrize(
    "value",
    [
        *("", "abc", "changeme", "your-secret-key-here", "super-secret-dev-key", "mysecretpassword", "password123", "xxxxxxxxxxxx", "<your token>"),
        *(
            "${TOKEN}",
            "{{ vault.token }}",
            "$TOKEN_FROM_CI",
            "ENC[AES256,data:abc]",
            "postgres",
            "django-insecure-key",
            "1234567890",
            "to_fill",
            "aaaaaaaaaaaa",
        ),
    ],
)
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", [PHRASE, HEX[:32], MIXED[:20], "Tr0ub4dor&3", "mingus2026!"])
def test_no_placeholders(value: str) -> None:
    assert not is_placeholder(value)


def test_a_long_value_of_placeholder_words_is_judged_quickly() -> None:
    began = time.perf_counter()
    is_placeholder("passwordsecret" * 14 + "~é")
    is_placeholder("a" * 10_000 + "!")
    assert time.perf_counter() - began < 1


def test_the_tree_is_searched(tmp_path: Path) -> None:
    key = "sk_" + "live_" + MIXED[:24]
    files: dict[str, str | bytes] = {
        "a.py": f"\n\nKEY = '{key}'\n",
        "b.png": key.encode(),
        "c.bin": b"\0" + key.encode(),
        "vendor/d.js": key,
        "e.min.js": key,
        "f.map": key,
    }
    found = search(Repo(write(tmp_path, files)))
    assert [secret.place for secret in found.secrets] == [Place("a.py", 3)]
    assert found.files == 1


def test_office_documents(tmp_path: Path) -> None:
    key = "sk_" + "live_" + MIXED[:24]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        runs = f'<w:t xml:space="preserve">{key[:12]}</w:t></w:r><w:r><w:t>{key[12:]}</w:t>'
        archive.writestr("word/document.xml", "<w:p><w:t>words</w:t></w:p>" * 60_000 + f"<w:p>{runs}</w:p>")
    found = search(Repo(write(tmp_path, {"notes.docx": packed.getvalue(), "broken.docx": b"PK\x03\x04 not a zip", "empty.xlsx": b""})))
    assert [secret.place for secret in found.secrets] == [Place("notes.docx")]


def test_what_is_read_is_not_kept(tmp_path: Path) -> None:
    repo = Repo(write(tmp_path, {"a.txt": "nothing"}))
    search(repo)
    assert "data" not in vars(repo.tree.files[0])
