"""What watches the application: error trackers, metrics, request ids, structured logs and alert rules, each with its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.flask.routes import routes
from mingus_gate.repo.python import Module, keyword, string
from mingus_gate.repo.served import served_paths

AGENTS = {
    "newrelic.agent.initialize": "New Relic",
    "ddtrace.patch_all": "Datadog",
    "ddtrace.patch": "Datadog",
    "elasticapm.contrib.flask.ElasticAPM": "Elastic APM",
    "scout_apm.flask.ScoutApm": "Scout",
    "appsignal.Appsignal": "AppSignal",
    "azure.monitor.opentelemetry.configure_azure_monitor": "Azure Monitor",
    "applicationinsights.flask.ext.AppInsights": "Application Insights",
    "opencensus.ext.flask.flask_middleware.FlaskMiddleware": "OpenCensus",
}
"""They record errors, latency and throughput alike."""
TRACKERS = AGENTS | {
    "sentry_sdk.init": "Sentry",
    "raven.contrib.flask.Sentry": "Sentry",
    "rollbar.init": "Rollbar",
    "bugsnag.configure": "Bugsnag",
    "bugsnag.flask.handle_exceptions": "Bugsnag",
    "honeybadger.honeybadger.configure": "Honeybadger",
    "honeybadger.contrib.FlaskHoneybadger": "Honeybadger",
    "pybrake.Notifier": "Airbrake",
    "pybrake.flask.init_app": "Airbrake",
    "google.cloud.error_reporting.Client": "Google Error Reporting",
    "opentelemetry.instrumentation.flask.FlaskInstrumentor": "OpenTelemetry",
    "logging.handlers.SMTPHandler": "logging's SMTPHandler",
}
METRICS = AGENTS | {
    "prometheus_client.generate_latest": "Prometheus",
    "prometheus_client.start_http_server": "Prometheus",
    "prometheus_client.start_wsgi_server": "Prometheus",
    "prometheus_client.make_wsgi_app": "Prometheus",
    "prometheus_client.push_to_gateway": "Prometheus",
    "prometheus_client.exposition.generate_latest": "Prometheus",
    "statsd.StatsClient": "StatsD",
    "statsd.StatsdClient": "StatsD",
    "datadog.initialize": "Datadog",
    "datadog.DogStatsd": "Datadog",
    "datadog.dogstatsd.DogStatsd": "Datadog",
    "opentelemetry.metrics.set_meter_provider": "OpenTelemetry",
    "opentelemetry.sdk.metrics.MeterProvider": "OpenTelemetry",
    "flask_monitoringdashboard.bind": "Flask-MonitoringDashboard",
    "markus.configure": "Markus",
    "gds_metrics.GDSMetrics": "Prometheus",
}
EXPORTER = re.compile(r"^(prometheus_flask_exporter|flask_prometheus\w*|starlette_exporter)\..*(Metrics|monitor|register_metrics)$")
COUNTED = ("prometheus_client.Counter", "prometheus_client.Histogram", "prometheus_client.Gauge", "prometheus_client.Summary")
WRAPPERS = re.compile(r"\b(newrelic-admin run-program|ddtrace-run|opentelemetry-instrument)\b")
STATSD = re.compile(r"--statsd-host|^statsd_host[ ]*=", re.MULTILINE)
DEPLOY = re.compile(
    r"(^|/)((docker|container)file[\w.-]*|[\w.-]*\.dockerfile|procfile|[\w.-]+\.(sh|ya?ml|toml|service|conf|ini)|gunicorn[\w.-]*\.py)$", re.IGNORECASE
)
ID_HEADER = re.compile(
    r"(HTTP_)?x[-_](request|correlation|trace|amzn[-_]trace|b3[-_]traceid|cloud[-_]trace[-_]context)[-_]?(id|context)?|traceparent", re.IGNORECASE
)
ID_NAME = re.compile(r"(request|correlation|trace)_?id", re.IGNORECASE)
ID_EXTENSION = re.compile(r"(^|\.)(RequestID|RequestIDMiddleware|CorrelationIdMiddleware|RequestIdFilter|RequestIDLogFilter)$")
JSON_LOGS = re.compile(
    r"^(pythonjsonlogger|json_log_formatter|logstash_formatter|logstash_async|logstash|ecs_logging|json_logging|jsonformatter|jslog4kube)\b"
)
STRUCTURED = (b"structlog", b"jsonlogger", b"json_log", b"Formatter", b"logstash", b"ecs_logging", b"serialize=True", b"setup_logging", b"jslog4kube")
JSON_TEXT = re.compile(r"pythonjsonlogger[\w.]*|json_log_formatter[\w.]*|ecs_logging[\w.]*|logstash_formatter[\w.]*")
ALERTS = (
    (re.compile(r"\.ya?ml(\.j2)?$"), re.compile(r"^[ \t-]*alert:[ \t]*\S.*\n(?:.*\n){0,8}?[ \t-]*expr:", re.MULTILINE), "a Prometheus alert rule"),
    (re.compile(r"\.ya?ml$"), re.compile(r"^kind:\s*PrometheusRule\b", re.MULTILINE), "a Prometheus alert rule"),
    (re.compile(r"\.ya?ml$"), re.compile(r"^route:\s*\n(?:.*\n)*?receivers:", re.MULTILINE), "Alertmanager's receivers"),
    (re.compile(r"(^|/)alerting/[^/]+\.ya?ml$"), re.compile(r"^(groups|contactPoints):", re.MULTILINE), "Grafana's alert rules"),
    (re.compile(r"\.(ya?ml|json|template)$"), re.compile(r"AWS::CloudWatch::Alarm"), "a CloudWatch alarm"),
    (
        re.compile(r"\.tf$"),
        re.compile(
            r'^resource\s+"(aws_cloudwatch_metric_alarm|datadog_monitor\w*|google_monitoring_alert_policy|azurerm_monitor_\w*alert\w*|grafana_rule_group'
            r'|newrelic_nrql_alert_condition|sentry_\w*alert\w*|digitalocean_monitor_alert|opsgenie_\w+|pagerduty_service)"',
            re.MULTILINE,
        ),
        "an alert rule in Terraform",
    ),
)
METRICS_PATH = re.compile(r"(/(api|admin|management|internal|health|status|actuator|_\w*|v\d+))*/(metrics|prometheus)/?")
SCRAPES = re.compile(r"^scrape_configs:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that watches the application. `ready` is False where it is begun but nothing comes of it, `served` where
    it stands in a file that the served application does not import."""

    what: str
    place: Place
    ready: bool = True
    served: bool = True


def error_trackers(repo: Repo) -> list[Seen]:
    return [*_called(repo, TRACKERS), *_raygun(repo), *_in_deploy_files(repo, WRAPPERS)] or _elsewhere(repo, TRACKERS)


def metrics(repo: Repo) -> list[Seen]:
    """Where metrics leave the process; where they are only counted, that place, not ready."""
    found = [*_called(repo, METRICS), *_in_deploy_files(repo, WRAPPERS), *_in_deploy_files(repo, STATSD)]
    for module in repo.python(b"prometheus", b"newrelic", served=True):
        names = [(module.name(call.func), call) for call in module.nodes(ast.Call)]
        found += [Seen("Prometheus", module.place(call)) for name, call in names if EXPORTER.search(name)]
        if not any(seen.what == "New Relic" for seen in found):
            found += [Seen("New Relic", module.place(call)) for name, call in names if name.startswith("newrelic.agent.record")][:1]
    exposed = [route for route in repo.fact(routes) if METRICS_PATH.fullmatch(route.path) and "GET" in route.methods]
    found += [Seen(f"the route {route.path}", route.place) for route in exposed]
    found = found or _elsewhere(repo, METRICS)
    if not found:
        counted = list(repo.calls(*COUNTED, served=True))
        found = [Seen("Prometheus", module.place(call), ready=False) for module, call in counted[:1]]
    return sorted(found, key=lambda seen: seen.place)


def _elsewhere(repo: Repo, names: dict[str, str]) -> list[Seen]:
    """What is set up in production code that nothing served imports, as far as can be seen."""
    served = repo.fact(served_paths)
    calls = [(module, call) for module, call in repo.calls(*names) if module.path not in served]
    return [Seen(names[module.name(call.func)], module.place(call), served=False) for module, call in calls]


def _called(repo: Repo, names: dict[str, str]) -> Iterator[Seen]:
    for module, call in repo.calls(*names, served=True):
        if not only_for_tests(module, call):
            yield Seen(names[module.name(call.func)], module.place(call))


def _raygun(repo: Repo) -> Iterator[Seen]:
    """Raygun's `Provider(app, key)` and `RaygunSender(key)`: names too common to parse every file that has them."""
    for module in repo.python(b"raygun4py", served=True):
        made = (call for call in module.nodes(ast.Call) if re.search(r"^raygun4py\..*\.(Provider|RaygunSender)$", module.name(call.func)))
        yield from (Seen("Raygun", module.place(call)) for call in made if not only_for_tests(module, call))


def _in_deploy_files(repo: Repo, pattern: re.Pattern[str]) -> Iterator[Seen]:
    for file in repo.files():
        if DEPLOY.search(file.path) and not file.binary and (match := pattern.search(file.text)):
            yield Seen(match[0].strip().rstrip("= "), Place(file.path, file.text.count("\n", 0, match.start()) + 1))


def request_ids(repo: Repo) -> list[Seen]:
    """Where a request gets an id, or where the one it came with is read or sent back."""
    found = list(_called(repo, AGENTS))
    for module in repo.python(b"equest", b"race", b"orrelation", served=True):
        found += _ids(module)
    return sorted(found, key=lambda seen: seen.place)


def _ids(module: Module) -> Iterator[Seen]:
    for target, _ in module.assignments():
        if isinstance(target, ast.Attribute) and ID_NAME.fullmatch(target.attr) and _is_request(module, target.value):
            yield Seen(ast.unparse(target), module.place(target))
    for subscript in module.nodes(ast.Subscript):
        if (key := string(subscript.slice)) and ID_HEADER.fullmatch(key) and _is_headers(subscript.value):
            yield Seen(f"the header {key}", module.place(subscript))
    for call in module.nodes(ast.Call):
        key = string(call.args[0]) if call.args else None
        if ID_EXTENSION.search(module.name(call.func)):
            yield Seen(module.name(call.func).rpartition(".")[2], module.place(call))
        elif key and ID_HEADER.fullmatch(key) and isinstance(call.func, ast.Attribute) and _is_headers(call.func.value):
            yield Seen(f"the header {key}", module.place(call))


def _is_request(module: Module, node: ast.expr) -> bool:
    """`g`, `request`, and `self` of a class of requests."""
    owner = module.enclosing(node, ast.ClassDef)
    own = ast.unparse(node) == "self" and owner is not None and any(module.name(base).endswith("Request") for base in owner.bases)
    return own or module.name(node) in ("flask.g", "g", "flask.request", "request")


def _is_headers(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2] in ("headers", "environ")


def structured_logs(repo: Repo) -> list[Seen]:
    """What writes log lines that machines read; and, not ready, where plain lines are set up."""
    found: list[Seen] = []
    plain: list[Seen] = []
    for module in repo.python(*STRUCTURED):  # formatters are named in text, so not only what is imported
        found += _structured(module)
    for module in repo.python(b"logging", served=True):
        plain += [
            Seen(module.name(call.func), module.place(call), ready=False)
            for call in module.nodes(ast.Call)
            if module.name(call.func) in ("logging.basicConfig", "logging.Formatter") and not only_for_tests(module, call)
        ]
    return sorted(found or plain[:1], key=lambda seen: seen.place)


def _structured(module: Module) -> Iterator[Seen]:
    for call in module.nodes(ast.Call):
        name = module.name(call.func)
        cloud = name.endswith("setup_logging") and name.startswith("google")
        if name == "structlog.configure" or JSON_LOGS.search(name) or cloud or _serialized(name, call):
            yield Seen(name, module.place(call))
    for constant in module.nodes(ast.Constant):
        if isinstance(constant.value, str) and JSON_TEXT.fullmatch(constant.value):
            yield Seen(constant.value, module.place(constant))
    for owner in module.nodes(ast.ClassDef):
        if any(module.name(base).endswith("Formatter") for base in owner.bases) and re.search(r"\bdumps\(", ast.unparse(owner)):
            yield Seen(owner.name, module.place(owner))


def _serialized(name: str, call: ast.Call) -> bool:
    """loguru's `logger.add(…, serialize=True)`."""
    given = keyword(call, "serialize")
    return name.endswith("logger.add") and isinstance(given, ast.Constant) and given.value is True


def alert_rules(repo: Repo) -> list[Seen]:
    """Alert rules of the tree; and, not ready, a Prometheus that has none."""
    found, scrapes = [], []
    for file in repo.files(".yml", ".yaml", ".j2", ".tf", ".json", ".template"):
        if not file.mentions(b"alert", b"receivers:", b"PrometheusRule", b"CloudWatch", b"contactPoints", b'resource "', b"scrape_configs"):
            continue
        for path, content, what in ALERTS:
            if path.search(file.path) and not file.binary and (match := content.search(file.text)):
                found.append(Seen(what, Place(file.path, file.text.count("\n", 0, match.start()) + 1)))
                break
        if file.path.endswith((".yml", ".yaml")) and (match := SCRAPES.search(file.text)):
            scrapes.append(Seen("Prometheus", Place(file.path, file.text.count("\n", 0, match.start()) + 1), ready=False))
    return found or scrapes[:1]


def sampling(repo: Repo) -> Iterator[tuple[Module, ast.Call, str, ast.expr | None]]:
    """Each set-up of Sentry with the share of requests it traces or profiles; None where none is traced."""
    for module, call in repo.calls("sentry_sdk.init", served=True):
        if only_for_tests(module, call):
            continue
        given = [(name, keyword(call, name)) for name in ("traces_sample_rate", "profiles_sample_rate", "profile_session_sample_rate")]
        yield from ((module, call, name, node) for name, node in given if node is not None)
        if all(node is None for _, node in given):
            yield module, call, "traces_sample_rate", None
