from tests.tools import Quiet, Reported, Unknown, rule_tests

SHARED = """
    import os

    from flask import Flask
    from flask_caching import Cache

    app = Flask(__name__)
    app.config["CACHE_TYPE"] = "RedisCache"
    app.config["CACHE_REDIS_URL"] = os.environ["REDIS_URL"]
    app.config["CACHE_DEFAULT_TIMEOUT"] = 300
    app.config["CACHE_KEY_PREFIX"] = "shop-production:"
    cache = Cache(app)
"""
SIMPLE = """
    from flask import Flask
    from flask_caching import Cache

    app = Flask(__name__)
    app.config["CACHE_TYPE"] = "SimpleCache"
    cache = Cache(app)
"""
NO_CACHE = """
    from functools import lru_cache

    from flask import Flask

    app = Flask(__name__)


    @lru_cache(maxsize=100)
    def rates(): ...
"""
GUARDED = """
    import os

    import redis
    from flask import Flask

    app = Flask(__name__)
    store = redis.Redis(host="redis", password=os.environ["REDIS_PASSWORD"], ssl=True)
"""
COMPOSE = """
    services:
      web:
        build: .
        ports: ["8000:8000"]
      redis:
        image: redis:7
        command: redis-server --appendonly yes
"""
PUBLISHED = COMPOSE + '        ports: ["6379:6379"]\n'


def app(*lines: str) -> str:
    return "\n".join(["import os, redis", "from flask import Flask", "from flask_caching import Cache", "app = Flask(__name__)", *lines])


QUEUE = {
    "app.py": "from flask import Flask\nfrom celery import Celery\n\napp = Flask(__name__)\ncelery = Celery('shop', broker='redis://queue:6379/0')\n",
    "compose.yaml": """
        services:
          queue:
            image: redis:7.4
            command: redis-server --maxmemory 256mb --maxmemory-policy noeviction
          cache:
            image: redis:7.4
            command: redis-server --maxmemory 256mb --maxmemory-policy allkeys-lru
        """,
}
SAME_REDIS = {
    "app.py": QUEUE["app.py"].replace("queue", "redis"),
    "compose.yaml": """
        services:
          redis:
            image: redis:7.4
            command: redis-server --maxmemory 256mb --maxmemory-policy allkeys-lru
        """,
}
FROM_ENVIRONMENT = (
    QUEUE["app.py"].replace("from flask", "import os\nfrom flask", 1).replace("'redis://queue:6379/0'", "os.environ['CELERY_BROKER_URL']")
)

QUIET: Quiet = {
    "cache.shared": [
        ("Redis", SHARED),
        ("lru_cache is no cache of this kind", NO_CACHE),
        ("given to the extension", app("cache = Cache(config={'CACHE_TYPE': 'flask_caching.backends.MemcachedCache'})")),
        ("given to init_app", app("cache = Cache()", "cache.init_app(app, config={'CACHE_TYPE': 'redis'})")),
        (
            "a switch that turns caching off",
            app("cache = Cache()", "def start(kind):\n    cache.init_app(app, config={'CACHE_TYPE': 'redis'})\n")
            + "    if not app.config['CACHING']:\n        cache.init_app(app, config={'CACHE_TYPE': 'null'})\n",
        ),
        (
            "memory in development",
            {
                "app.py": app("app.config.from_object('config.Prod')", "cache = Cache(app)"),
                "config.py": "class Config:\n    CACHE_TYPE = 'simple'\n\nclass ProductionConfig(Config):\n    CACHE_TYPE = 'RedisCache'\n",
            },
        ),
        (
            "a subclass of the extension",
            app("class ShopCache(Cache):\n    pass\n", "app.config['CACHE_TYPE'] = 'redis'", "cache = ShopCache(app)"),
        ),
        ("dogpile on Memcached", app("region.configure('dogpile.cache.pylibmc')")),
    ],
    "cache.default-timeout": [("300 seconds", SHARED), ("left at the default of 300", SIMPLE), ("no cache", NO_CACHE)],
    "cache.key-prefix": [("its own", SHARED), ("a cache of its own has no neighbours", SIMPLE)],
    "cache.protected": [
        ("a password and TLS", GUARDED),
        ("TLS in the address", app("app.config['REDIS_URL'] = 'rediss://cache.example.com:6380/0'")),
        ("a password in the address", app("app.config['CACHE_REDIS_URL'] = f'redis://:{PASSWORD}@{HOST}/0'")),
        (
            "the environment decides, and the server asks for a password",
            {"app.py": SHARED, "compose.yaml": COMPOSE.replace("--appendonly yes", "--requirepass ${REDIS_PASSWORD:?}")},
        ),
        ("no Redis", NO_CACHE),
    ],
    "cache.port-published": [
        ("not published", {"docker-compose.yml": COMPOSE}),
        ("on this machine only", {"docker-compose.yml": COMPOSE + '        ports: ["127.0.0.1:6379:6379"]\n'}),
        ("on this machine by default", {"compose.yaml": COMPOSE + '        ports: ["${REDIS_FORWARD:-127.0.0.1:6379}:6379"]\n'}),
        ("another port", {"docker-compose.yml": COMPOSE + '        ports: ["8001:8001"]\n'}),
        ("for development", {"docker-compose.yml": COMPOSE, "docker-compose.dev.yml": PUBLISHED}),
        ("no compose file", NO_CACHE),
    ],
    "cache.apart": [
        ("one Redis for the queue, one for the cache", QUEUE),
        (
            "the address stands in the example file",
            {**QUEUE, "app.py": FROM_ENVIRONMENT, ".env.example": "CELERY_BROKER_URL=redis://queue:6379/0\n"},
        ),
        ("only keys with an expiry go", {**SAME_REDIS, "compose.yaml": SAME_REDIS["compose.yaml"].replace("allkeys-lru", "volatile-lru")}),
        ("limits in memory", app("app.config['RATELIMIT_STORAGE_URI'] = 'memory://'")),
    ],
}
REPORTED: Reported = {
    "cache.shared": [
        ("in the memory of each process", SIMPLE, "app.py:6"),
        ("in files", app("app.config['CACHE_TYPE'] = 'filesystem'", "cache = Cache(app)"), "app.py:5"),
        ("in memory unless told otherwise", app("app.config['CACHE_TYPE'] = os.getenv('CACHE_TYPE', 'simple')", "cache = Cache(app)"), "app.py:5"),
        ("nothing is configured", app("cache = Cache(app)"), "app.py:5"),
        ("cachelib in memory", app("from cachelib import SimpleCache", "store = SimpleCache()"), "app.py:6"),
        ("dogpile in memory", app("region = make_region().configure('dogpile.cache.memory')"), "app.py:5"),
    ],
    "cache.default-timeout": [("never", SHARED.replace("300", "0"), "app.py:10")],
    "cache.key-prefix": [("the default", SHARED.replace('    app.config["CACHE_KEY_PREFIX"] = "shop-production:"\n', ""), "app.py:8")],
    "cache.protected": [
        ("another machine without a password", app('app.config["REDIS_URL"] = "redis://cache.example.com:6379/0"'), "app.py:5"),
        ("when the variable is missing", app("app.config['REDIS_URL'] = os.getenv('REDIS_URL', 'redis://10.0.0.5:6379')"), "app.py:5"),
        ("a client", app("store = redis.Redis(host='cache.example.com')"), "app.py:5"),
    ],
    "cache.port-published": [
        ("on every address", {"docker-compose.yml": PUBLISHED, "Dockerfile": "FROM python:3.12\n"}, "docker-compose.yml:9"),
        (
            "beside source in development, but a file for production",
            {"docker-compose.prod.yml": PUBLISHED.replace('ports: ["8000:8000"]', 'volumes: [".:/app"]')},
            "docker-compose.prod.yml:9",
        ),
    ],
    "cache.apart": [
        ("the queue in a Redis that evicts", SAME_REDIS, "compose.yaml:5"),
        (
            "rate limits in a Redis that evicts",
            {**SAME_REDIS, "app.py": app("app.config['RATELIMIT_STORAGE_URI'] = 'redis://redis:6379/1'")},
            "compose.yaml:5",
        ),
        (
            "compose gives the address",
            {
                "app.py": FROM_ENVIRONMENT,
                "compose.yaml": SAME_REDIS["compose.yaml"] + "  web:\n            environment: {CELERY_BROKER_URL: redis://redis:6379/0}\n",
            },
            "compose.yaml:5",
        ),
    ],
}
UNKNOWN: Unknown = {
    "cache.shared": [
        ("the environment decides", app("app.config['CACHE_TYPE'] = os.environ['CACHE_TYPE']", "cache = Cache(app)"), "$CACHE_TYPE"),
        ("a file decides", app("app.config.from_envvar('SETTINGS')", "cache = Cache(app)"), "elsewhere"),
        ("a backend we do not know", app("app.config['CACHE_TYPE'] = 'shop.cache.Tiered'", "cache = Cache(app)"), "shop.cache.Tiered"),
        (
            "a setting decides between two",
            {
                "app.py": app("app.config.from_object('config.Config')", "cache = Cache(app)"),
                "config.py": "class Config:\n    if REDIS_URL:\n        CACHE_TYPE = 'redis'\n    else:\n        CACHE_TYPE = 'filesystem'\n",
            },
            "if REDIS_URL",
        ),
    ],
    "cache.default-timeout": [("computed", SHARED.replace("300", "timeout()"), "timeout()")],
    "cache.protected": [
        ("the environment decides", app("app.config['REDIS_URL'] = os.environ['REDIS_URL']"), "REDIS_URL"),
        (
            "the server's password is empty unless somebody sets it",
            {"app.py": SHARED, "compose.yaml": COMPOSE.replace("--appendonly yes", "--requirepass ${REDIS_PASSWORD:-}")},
            "REDIS_URL",
        ),
        ("the environment decides, and the server asks for nothing", {"app.py": SHARED, "compose.yaml": COMPOSE}, "REDIS_URL"),
        ("on this machine", app("app.config['REDIS_URL'] = 'redis://localhost:6379/0'"), "localhost"),
        ("a service of the same network", app("store = redis.from_url('redis://redis:6379/0')"), "redis"),
        ("computed", app("store = redis.Redis(**options)"), "computed"),
    ],
    "cache.port-published": [
        (
            "a file that may be for development",
            {"docker-compose.yml": PUBLISHED.replace('ports: ["8000:8000"]', 'volumes: [".:/app"]')},
            "not written",
        ),
    ],
    "cache.apart": [
        ("Redis is started elsewhere", QUEUE["app.py"], "outside of the tree"),
        ("the environment decides where the queue is", {**QUEUE, "app.py": FROM_ENVIRONMENT}, "decided by the environment"),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)
