import base64

import pytest

from mingus_gate.model import Kind
from tests.tools import Quiet, Reported, Unknown, ask, rule_tests

APP = """
    from flask import Flask

    app = Flask(__name__)
"""
CALL = """
    import requests
    from flask import Flask

    app = Flask(__name__)

    @app.get("/rates")
    def rates():
        return requests.get("https://rates.bank.eu/today", timeout=5).json()
"""
SESSION = "import requests\nfrom flask import Flask\n\napp = Flask(__name__)\nbank = requests.Session()\n"
TALISMAN = "from flask import Flask\nfrom flask_talisman import Talisman\n\napp = Flask(__name__)\nTalisman"
INGRESS = """
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: web}
    spec:
      ingressClassName: nginx
      tls:
        - hosts: [shop.eu]
"""
ANY_CERTIFICATE = """
    import ssl
    from flask import Flask

    app = Flask(__name__)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
"""
SEARCH = """
    from elasticsearch import Elasticsearch
    from flask import Flask

    app = Flask(__name__)
    search = Elasticsearch("https://search.shop.eu", verify_certs=False)
"""
NGINX = """
    server {
        listen 80;
        server_name shop.eu;
        return 301 https://$host$request_uri;
    }
    server {
        listen 443 ssl;
        server_name shop.eu;
        ssl_protocols TLSv1.2 TLSv1.3;
        add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
        location / {
            proxy_pass http://app:8000;
        }
    }
"""
PLAIN = """
    server {
        listen 80;
        server_name shop.eu;
        location / {
            proxy_pass http://app:8000;
            proxy_set_header X-Forwarded-Proto $scheme;
        }
    }
"""
ENGINE = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://app@db.shop.eu/app?sslmode=require"
    db = SQLAlchemy(app)
"""


def _pem(kind: str = "PRIVATE KEY", body: bytes = b"\x30" + bytes(range(90)), lines: str = "\n") -> str:
    """A PEM block whose content only looks like a key; put together here, so that no file holds one."""
    return lines.join([f"-----BEGIN {kind}-----", base64.b64encode(body).decode(), f"-----END {kind}-----", ""])


QUIET: Quiet = {
    "tls.verification": [
        ("the default checks", CALL),
        ("a certificate authority of one's own", CALL.replace("timeout=5", 'timeout=5, verify="/etc/ssl/company.pem"')),
        ("a call to this machine", CALL.replace("https://rates.bank.eu/today", "https://localhost:8443/x").replace("timeout=5", "verify=False")),
        (
            "a variable that is on unless told otherwise",
            CALL.replace("timeout=5", "verify=CHECK").replace(
                "import requests", "import os\n    import requests\n\n    CHECK = os.environ.get('CHECK', 'true') == 'true'"
            ),
        ),
        ("of a token, not of a connection", "import jwt\nfrom flask import Flask\napp = Flask(__name__)\nclaims = jwt.decode('t', verify=False)\n"),
        (
            "a script that the application never imports",
            {"app.py": CALL, "scripts/ping.py": "import requests\nrequests.get('https://shop.eu', verify=False)\n"},
        ),
        (
            "it only looks at the certificate",
            {
                "app.py": CALL.replace("import requests", "import requests\n    import expiry"),
                "expiry.py": """
                import socket
                import ssl

                def certificate(host):
                    context = ssl.create_default_context()
                    context.check_hostname = False
                    context.verify_mode = ssl.CERT_NONE
                    with context.wrap_socket(socket.create_connection((host, 443))) as s:
                        return s.getpeercert(True)
                """,
            },
        ),
        ("a database beside it", CALL + "\n    URL = 'postgresql://app@db/app?sslmode=disable'\n"),
        ("nothing goes out", APP),
    ],
    "tls.forced-https": [
        ("nginx redirects", {"app.py": APP, "nginx.conf": NGINX}),
        ("Talisman", TALISMAN + "(app)\n"),
        (
            "Talisman leaves it to nginx",
            {
                "app.py": TALISMAN + "(app, force_https=False)\n",
                "nginx.conf": NGINX,
            },
        ),
        ("nginx hands plain HTTP on, and Talisman turns it away", {"app.py": TALISMAN + "(app)\n", "nginx.conf": PLAIN}),
        (
            "SSLify, but in debug mode",
            "from flask import Flask\nfrom flask_sslify import SSLify\n\napp = Flask(__name__)\nif not app.debug:\n    SSLify(app)\n",
        ),
        (
            "a redirect before each request",
            """
            from flask import Flask, redirect, request

            app = Flask(__name__)

            @app.before_request
            def to_https():
                if not request.is_secure:
                    return redirect(request.url.replace("http://", "https://", 1), code=301)
            """,
        ),
        ("Caddy does it by itself", {"app.py": APP, "Caddyfile": "shop.eu {\n\treverse_proxy app:8000\n}\n"}),
        ("Fly", {"app.py": APP, "fly.toml": "[http_service]\ninternal_port = 8000\nforce_https = true\n"}),
        (
            "Traefik by label",
            {
                "app.py": APP,
                "compose.yaml": "services:\n  traefik:\n    command: --entrypoints.web.http.redirections.entrypoint.scheme=https\n",
            },
        ),
        (
            "an ingress with a certificate",
            {
                "app.py": APP,
                "k8s/ingress.yaml": INGRESS,
            },
        ),
    ],
    "tls.hsts": [
        ("nginx sends it", {"app.py": APP, "nginx.conf": NGINX}),
        ("Talisman", TALISMAN + "(app)\n"),
        (
            "the application sets it",
            """
            from flask import Flask

            app = Flask(__name__)

            @app.after_request
            def headers(response):
                response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
                return response
            """,
        ),
    ],
    "tls.encrypted-connections": [
        ("sslmode=require", ENGINE),
        (
            "Redis over TLS",
            ENGINE.replace(
                '"SQLALCHEMY_DATABASE_URI"] = "postgresql://app@db.shop.eu/app?sslmode=require"', '"REDIS_URL"] = "rediss://cache.shop.eu:6380/0"'
            ),
        ),
        (
            "in the engine's arguments",
            ENGINE.replace("?sslmode=require", "?application_name=a")
            .replace("db.shop.eu", "db")
            .replace("db = SQ", 'app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"sslmode": "verify-full"}}\n    db = SQ'),
        ),
    ],
    "tls.private-key": [
        ("git ignores them", {"app.py": APP, ".gitignore": "*.pem\n*.key\n"}),
        ("a certificate", {"app.py": APP, "ca.pem": _pem("CERTIFICATE").encode()}),
        ("a public key", {"app.py": APP, "jwt.pub": _pem("PUBLIC KEY").encode()}),
        ("a placeholder", {"app.py": APP, "docker.env": _pem(body=b"your key here").encode()}),
        ("code that looks for one", {"app.py": APP + '\n    MARK = "-----BEGIN PRIVATE " + "KEY-----"\n'}),
        ("a key of the tests", {"app.py": APP, "tests/data/server.key": _pem().encode()}),
        ("a key for localhost", {"app.py": APP, "certs/localhost-key.pem": _pem().encode()}),
    ],
    "tls.nginx-protocols": [
        ("1.2 and 1.3", {"app.py": APP, "nginx.conf": NGINX}),
        (
            "certbot's file says so",
            {"app.py": APP, "nginx.conf": NGINX.replace("ssl_protocols TLSv1.2 TLSv1.3;", "include /etc/letsencrypt/options-ssl-nginx.conf;")},
        ),
        (
            "above, for all servers",
            {"app.py": APP, "nginx.conf": "http {\n  ssl_protocols TLSv1.3;\n" + NGINX.replace("ssl_protocols TLSv1.2 TLSv1.3;", "") + "}\n"},
        ),
        (
            "a server whose certificate is a developer's",
            {
                "app.py": APP,
                "nginx.conf": NGINX,
                "vm/nginx.conf": NGINX.replace("TLSv1.2 TLSv1.3;", "TLSv1 TLSv1.2;\n        ssl_certificate /vagrant/vm/shop_dev.pem;"),
            },
        ),
        ("no proxy here", APP),
    ],
}
REPORTED: Reported = {
    "tls.verification": [
        ("the check is off", CALL.replace("timeout=5", "timeout=5, verify=False"), "app.py:9"),
        (
            "off for a whole session",
            SESSION + "bank.verify = False\n",
            "app.py:6",
        ),
        (
            "off in a variable",
            CALL.replace("timeout=5", "verify=check").replace("        return", "        check = False\n        return"),
            "app.py:10",
        ),
        (
            "off unless a variable is set",
            CALL.replace("timeout=5", 'verify=os.getenv("CHECK", "0") == "1"').replace("import requests", "import os\n    import requests"),
            "app.py:10",
        ),
        (
            "a context that takes any certificate",
            ANY_CERTIFICATE,
            "app.py:8",
        ),
        (
            "for all of Python",
            "import ssl\nfrom flask import Flask\n\napp = Flask(__name__)\nssl._create_default_https_context = ssl._create_unverified_context\n",
            "app.py:5",
        ),
        (
            "a search engine",
            SEARCH,
            "app.py:6",
        ),
        ("a database on another host", CALL + "\n    URL = 'postgresql://app@db.shop.eu/app?sslmode=disable'\n", "app.py:11"),
    ],
    "tls.forced-https": [
        ("nginx hands plain HTTP on", {"app.py": APP, "nginx.conf": PLAIN}, "nginx.conf:3"),
        (
            "nginx listens for both in one block",
            {"app.py": APP, "nginx.conf": PLAIN.replace("listen 80;", "listen 80;\n        listen 443 ssl;")},
            "nginx.conf:3",
        ),
        (
            "only when a variable is set",
            "import os\n" + TALISMAN + "(app, force_https=os.getenv('HTTPS', 'false') == 'true')\n",
            "app.py:6",
        ),
        (
            "compose mounts the one that does not redirect",
            {
                "app.py": APP,
                "nginx.conf": PLAIN,
                "deploy/nginx-tls.conf": NGINX,
                "compose.yaml": "services:\n  nginx:\n    image: nginx\n    volumes: ['./nginx.conf:/etc/nginx/nginx.conf:ro']\n",
            },
            "nginx.conf:3",
        ),
    ],
    "tls.hsts": [
        (
            "nginx serves TLS without it",
            {"app.py": APP, "nginx.conf": "".join(line for line in NGINX.splitlines(keepends=True) if "add_header" not in line)},
            "nginx.conf:8",
        ),
        ("five minutes", {"app.py": APP, "nginx.conf": NGINX.replace("31536000", "300")}, "nginx.conf:11"),
        (
            "five minutes, by the application",
            TALISMAN + "(app, strict_transport_security_max_age=300)\n",
            "app.py:5",
        ),
    ],
    "tls.encrypted-connections": [
        ("a database on another host", ENGINE.replace("?sslmode=require", ""), "app.py:6"),
        ("prefer falls back", ENGINE.replace("require", "prefer"), "app.py:6"),
        (
            "Redis on another host, in the compose file",
            {"app.py": APP, "compose.yaml": "services:\n  web:\n    image: app\n    environment:\n      - REDIS_URL=redis://cache.shop.eu:6379/0\n"},
            "compose.yaml:5",
        ),
        (
            "Redis' certificate is not checked",
            "import ssl\nimport redis\nfrom flask import Flask\n\napp = Flask(__name__)\nr = redis.Redis(ssl=True, ssl_cert_reqs=ssl.CERT_NONE)\n",
            "app.py:6",
        ),
    ],
    "tls.private-key": [
        ("the key of the site", {"ops/site.key": _pem().encode()}, "ops/site.key:1"),
        (
            "in a service account",
            {"app.py": APP, "account.json": ('{"type": "service_account",\n "private_key": "' + _pem(lines="\\n") + '"}').encode()},
            "account.json:2",
        ),
        (
            "a key for development that production falls back to",
            {
                "app.py": "import os\nfrom flask import Flask\n\napp = Flask(__name__)\nKEY = os.environ.get('JWT_KEY_PATH', 'local_data/jwt.key')\n",
                "local_data/jwt.key": _pem("RSA PRIVATE KEY").encode(),
            },
            "local_data/jwt.key:1",
        ),
    ],
    "tls.nginx-protocols": [
        ("TLS 1.0 and 1.1", {"app.py": APP, "nginx.conf": NGINX.replace("TLSv1.2 TLSv1.3", "TLSv1 TLSv1.1 TLSv1.2")}, "nginx.conf:10"),
        (
            "Apache without taking the old ones away",
            {"app.py": APP, "site.conf": "<VirtualHost *:443>\n  SSLProtocol all -SSLv3\n</VirtualHost>\n"},
            "site.conf:2",
        ),
    ],
}
UNKNOWN: Unknown = {
    "tls.verification": [
        (
            "only in a branch",
            CALL.replace("        return", "        if insecure:\n            requests.get('https://bank.eu', verify=False)\n        return"),
            "insecure",
        ),
        ("a parameter decides", CALL.replace("timeout=5", "verify=check_certificates()"), "check_certificates()"),
    ],
    "tls.forced-https": [
        ("nothing seen", APP, "looked for"),
        ("two configurations", {"app.py": APP, "a/nginx.conf": NGINX, "b/nginx.conf": PLAIN}, "which one is deployed"),
        (
            "a proxy nobody sees",
            TALISMAN + "(app, force_https=False)\n",
            "leaves it to a proxy",
        ),
        (
            "a setting decides",
            "from flask import Flask\nfrom flask_sslify import SSLify\n\napp = Flask(__name__)\nif app.config['SSL']:\n    SSLify(app)\n",
            "app.config",
        ),
        ("for this machine", {"app.py": APP, "nginx.conf": PLAIN.replace("shop.eu", "localhost")}, "looked for"),
        ("behind a load balancer", {"app.py": APP, "nginx.conf": PLAIN.replace("$scheme", "$http_x_forwarded_proto")}, "looked for"),
    ],
    "tls.encrypted-connections": [
        (
            "the environment gives the address",
            ENGINE.replace('"postgresql://app@db.shop.eu/app?sslmode=require"', 'os.environ["DATABASE_URL"]').replace(
                "from flask import", "import os\n    from flask import", 1
            ),
            "DATABASE_URL",
        ),
    ],
    "tls.private-key": [("it is encrypted", {"app.py": APP, "site.key": _pem("ENCRYPTED PRIVATE KEY").encode()}, "encrypted")],
    "tls.nginx-protocols": [("left to nginx", {"app.py": APP, "nginx.conf": NGINX.replace("ssl_protocols TLSv1.2 TLSv1.3;", "")}, "1.27.3")],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


@pytest.mark.parametrize(
    "code",
    [
        SESSION,
        SESSION + "bank.verify = '/etc/ssl/ca.pem'\n",
        "import ssl\nfrom flask import Flask\n\napp = Flask(__name__)\ncontext = ssl.create_default_context(cafile='/etc/ssl/ca.pem')\n",
    ],
)
def test_what_checks_certificates_once_the_fix_is_written_is_evidence(code: str) -> None:
    assert ask("tls.verification", code).kind is Kind.PASS
