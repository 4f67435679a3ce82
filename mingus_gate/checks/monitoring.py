"""Will somebody know when it breaks?"""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.routes import app_place
from mingus_gate.repo.monitoring.instruments import Seen, alert_rules, error_trackers, metrics, request_ids, sampling, structured_logs
from mingus_gate.repo.monitoring.log_calls import leaks, log_calls
from mingus_gate.repo.monitoring.log_levels import levels
from mingus_gate.repo.requirements import required

ERROR_TRACKER = Rule(
    "monitoring.error-tracker",
    Severity.WARNING,
    "Errors are reported to people",
    'Set one up where the application is made: `sentry_sdk.init(dsn=os.environ.get("SENTRY_DSN"), integrations=[FlaskIntegration()])`.',
    "Sentry, Rollbar, Bugsnag, Honeybadger, Airbrake, New Relic, Datadog, OpenTelemetry and logging's SMTPHandler",
    "A log line that nobody reads tells nobody. Without a tracker the first report of an error comes from a customer.",
    "https://docs.sentry.io/platforms/python/integrations/flask/",
)
METRICS = Rule(
    "monitoring.metrics",
    Severity.WARNING,
    "Metrics leave the process",
    "Expose them: `PrometheusMetrics(app)` of prometheus-flask-exporter, with `PROMETHEUS_MULTIPROC_DIR` set where several workers count.",
    "prometheus_client, prometheus_flask_exporter, StatsD, Datadog, OpenTelemetry and the agents of APM services",
    "Slow, full and half broken show in rates and latencies hours before they show as errors.",
    "https://sre.google/sre-book/monitoring-distributed-systems/",
)
LOG_LEVEL = Rule(
    "monitoring.log-level",
    Severity.WARNING,
    "Production does not log at DEBUG",
    'Default to INFO: `logging.basicConfig(level=os.getenv("LOG_LEVEL", "INFO"))`.',
    "`logging.basicConfig(level=…)`, `setLevel(…)`, `dictConfig(…)`, `LOG_LEVEL` and gunicorn's loglevel",
    "At DEBUG libraries write headers, queries and tokens, and so much of it that the line that matters drowns and the disk fills.",
    "https://docs.python.org/3/howto/logging.html#when-to-use-logging",
)
STRUCTURED_LOGS = Rule(
    "monitoring.structured-logs",
    Severity.INFO,
    "Log lines are structured",
    "Write JSON: a handler with `pythonjsonlogger.json.JsonFormatter()`, or structlog.",
    "structlog, python-json-logger and other JSON formatters",
    "A search for one customer's requests over ten servers needs fields, not sentences.",
    "https://12factor.net/logs",
)
NO_SECRET_IN_LOG = Rule(
    "monitoring.no-secret-in-log",
    Severity.CRITICAL,
    "No password, key or token is written to the log",
    'Log that it was there, or the id of whom it belongs to: `log.info("login of %s", user.id)`; and replace every secret that was logged.',
    "calls of loggers and `print` in served code",
    "Logs are copied to disks, collectors and laptops of people who must not know it, and are kept for months.",
    "https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html#data-to-exclude",
)
NO_LIKELY_SECRET_IN_LOG = Rule(
    "monitoring.no-likely-secret-in-log",
    Severity.WARNING,
    "No request body and nothing named like a secret is written to the log",
    'Log the fields you need by name, `log.info("order %s", data["order_id"])`, and of a token its id or last four characters.',
    "calls of loggers and `print` in served code",
    "A body holds what people typed: passwords, addresses, card numbers. A token that is only expired may be valid elsewhere.",
    "https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html#data-to-exclude",
)
REQUEST_IDS = Rule(
    "monitoring.request-ids",
    Severity.INFO,
    "A request has an id that follows it",
    'Take or make one before each request: `g.request_id = request.headers.get("X-Request-ID") or uuid4().hex`, and log it.',
    "`X-Request-ID` and the like, `g.request_id`, request id extensions and tracing agents",
    "One failed request writes lines in the proxy, the application and the workers; only an id brings them together.",
    "https://devcenter.heroku.com/articles/http-request-id",
)
TRACING_SAMPLE = Rule(
    "monitoring.tracing-sample",
    Severity.WARNING,
    "Production does not trace every request",
    "Trace a share: `traces_sample_rate=0.05`.",
    "`sentry_sdk.init(` with traces_sample_rate and profiles_sample_rate",
    "Tracing everything costs time in every request, and uses up a month's quota in days; then errors are dropped as well.",
    "https://docs.sentry.io/platforms/python/configuration/sampling/",
)
ALERT_RULES = Rule(
    "monitoring.alert-rules",
    Severity.INFO,
    "Alert rules are kept with the code",
    "Keep rules for error rate, latency and queue length in the tree, and load them: `rule_files: [alerts.yml]` in prometheus.yml.",
    "Prometheus and Grafana alert rules, Alertmanager's receivers, and monitors in Terraform and CloudFormation",
    "Metrics that nobody is woken by are history. Rules in the tree are reviewed and come back with the rest after a disaster.",
    "https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/",
)


def error_tracker(repo: Repo) -> Iterator[Observation]:
    seen = repo.fact(error_trackers)
    for tracker in seen:
        yield holds(f"{tracker.what} is set up", tracker.place) if tracker.served else _unserved(tracker)
    if not seen and (place := app_place(repo)):
        if needed := required(repo, "sentry-sdk", "raven", "rollbar", "bugsnag", "honeybadger", "newrelic", "ddtrace", "elastic-apm"):
            yield broken(f"{needed.name} is required and never set up", needed.place)
        else:
            yield broken("no error tracker is set up", place)


def _unserved(seen: Seen) -> Observation:
    return unclear(f"{seen.what} is set up in {seen.place.path}, which the served application does not import", seen.place)


def measured(repo: Repo) -> Iterator[Observation]:
    seen = repo.fact(metrics)
    for metric in seen:
        if not metric.served:
            yield _unserved(metric)
        elif metric.ready:
            yield holds(f"metrics leave by {metric.what}", metric.place)
        else:
            yield broken("metrics are counted and never exposed", metric.place)
    if not seen and (place := app_place(repo)):
        yield broken("no metrics are exposed", place)


def log_level(repo: Repo) -> Iterator[Observation]:
    for level in repo.fact(levels):
        if "DEBUG" in level.names or "TRACE" in level.names:
            when = f" when {' and '.join(level.env)} is not set" if level.env else ""
            yield broken(f"{level.what} is at DEBUG{when}", level.place)
        elif level.narrow:
            continue
        elif level.unresolved:
            yield unclear(f"the level of {level.what} is `{level.unresolved}`", level.place)
        elif level.names or level.env:
            yield holds(f"{level.what} is at {' or '.join((*level.names, *(f'${name}' for name in level.env)))}", level.place)


def structured(repo: Repo) -> Iterator[Observation]:
    for logs in repo.fact(structured_logs):
        if logs.ready:
            yield holds(f"{logs.what} writes structured lines", logs.place)
        else:
            yield broken(f"{logs.what} writes plain lines", logs.place)


def no_secret_in_log(repo: Repo) -> Iterator[Observation]:
    yield from _leaked(repo, certain=True)


def no_likely_secret_in_log(repo: Repo) -> Iterator[Observation]:
    yield from _leaked(repo, certain=False)


def _leaked(repo: Repo, certain: bool) -> Iterator[Observation]:
    calls = repo.fact(log_calls)
    seen = [leak for leak in repo.fact(leaks) if leak.certain is certain]
    for leak in seen:
        yield broken(f"{leak.what} is written to the log", leak.log.place)
    if calls and not seen:
        what = "a password, key or token" if certain else "a request's body or what may be a secret"
        yield holds(f"none of {len(calls)} log calls writes {what}", calls[0].place, calls=len(calls))


def request_id(repo: Repo) -> Iterator[Observation]:
    seen = repo.fact(request_ids)
    for one in seen:
        yield holds(f"requests are followed by {one.what}", one.place)
    if not seen and (place := app_place(repo)):
        yield broken("no request id is read, made or logged", place)


def tracing_sample(repo: Repo) -> Iterator[Observation]:
    seen = False
    for module, call, name, node in sampling(repo):
        seen = True
        if node is None:
            yield holds("Sentry traces no requests", module.place(call))
            continue
        value = repo.resolve(module, node)
        rates = [rate for rate in map(_rate, value.literals) if rate is not None]
        if rates and min(rates) >= 1:
            when = f" when {' and '.join(value.env)} is not set" if value.env else ""
            yield broken(f"{name} is {rates[0]:g}{when}", module.place(node))
        elif value.unresolved:
            yield unclear(f"{name} is `{value.unresolved}`", module.place(node))
        elif rates or value.env:
            yield holds(f"{name} is {' or '.join([f'{rate:g}' for rate in rates] + [f'${variable}' for variable in value.env])}", module.place(node))
    if not seen:
        yield from proven_absent(repo, "`sentry_sdk.init(`")


def _rate(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def alerts(repo: Repo) -> Iterator[Observation]:
    seen = repo.fact(alert_rules)
    for rule in seen:
        yield (
            holds(f"{rule.what} is in the tree", rule.place)
            if rule.ready
            else broken("Prometheus scrapes, and no alert rule is in the tree", rule.place)
        )
    exposed: list[Seen] = [] if seen else [metric for metric in repo.fact(metrics) if metric.ready and metric.served]
    if exposed:
        yield broken(f"metrics leave by {exposed[0].what}, and no alert rule is in the tree", exposed[0].place)


CHECK = Check(
    "monitoring",
    "Monitoring",
    "Will somebody know when it breaks?",
    weight=2,
    static={
        ERROR_TRACKER: error_tracker,
        METRICS: measured,
        LOG_LEVEL: log_level,
        STRUCTURED_LOGS: structured,
        NO_SECRET_IN_LOG: no_secret_in_log,
        NO_LIKELY_SECRET_IN_LOG: no_likely_secret_in_log,
        REQUEST_IDS: request_id,
        TRACING_SAMPLE: tracing_sample,
        ALERT_RULES: alerts,
    },
)
