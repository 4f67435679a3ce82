from tests.tools import Quiet, Reported, Unknown, ask, rule_tests

APP = """
    import os

    from celery import Celery
    from flask import Flask

    app = Flask(__name__)
    celery = Celery("shop", broker=os.environ["CELERY_BROKER_URL"], include=["tasks"])
    celery.conf.update(task_time_limit=300, task_soft_time_limit=240, accept_content=["json"], task_ignore_result=True)
"""
TASKS = """
    from app import celery


    @celery.task(bind=True, max_retries=5)
    def send_report(self, user_id):
        try:
            deliver(user_id)
        except ConnectionError as error:
            raise self.retry(exc=error, countdown=60)
"""
LATE = """
    from celery import Celery
    from flask import Flask

    app = Flask(__name__)
    celery = Celery("shop", broker="redis://queue:6379/0", include=["tasks"])
    celery.conf.update(task_acks_late=True, task_time_limit=7200)
"""
GOOD = {"app.py": APP, "tasks.py": TASKS}
BARE = {
    "app.py": """
    from celery import Celery
    from flask import Flask

    app = Flask(__name__)
    celery = Celery("shop", broker="redis://localhost")


    @celery.task
    def send_report(user_id):
        deliver(user_id)
    """
}
NO_CELERY = """
    from flask import Flask
    from rq import Queue

    app = Flask(__name__)
"""
TWO_APPS = {
    "app.py": """
    from celery import Celery
    from flask import Flask

    app = Flask(__name__)
    celery = Celery("shop", broker="redis://redis:6379/0")
    mails = Celery("mails", broker="redis://redis:6379/1")

    @celery.task
    def bill(order_id):
        ...

    @mails.task
    def send_receipt(order_id):
        ...
    """,
    "Procfile": "web: gunicorn app:app\nworker: celery -A app.celery worker\n",
}
BEAT = """
    celery.conf.beat_schedule = {
        "daily": {"task": "tasks.send_report", "schedule": 86400},
    }
"""
SCHEDULED = {"app.py": APP + BEAT, "tasks.py": TASKS}


def app(*lines: str) -> str:
    """The application with one task of its own, and more lines."""
    return "\n".join(
        [
            "from celery import Celery, shared_task",
            "from flask import Flask",
            "app = Flask(__name__)",
            "celery = Celery('x', broker='sqs://')",
            *lines,
        ]
    )


TASK = "@celery.task\ndef go():\n    work()\n"

QUIET: Quiet = {
    "background-tasks.time-limits": [
        ("set for all tasks", GOOD),
        ("each task has its own", app("@celery.task(time_limit=60)\ndef go():\n    work()\n")),
        ("given to the worker", {"app.py": app(TASK), "Procfile": "worker: celery -A app worker --time-limit=300\n"}),
        ("by its old name in the Flask configuration", app("app.config['CELERYD_TASK_TIME_LIMIT'] = 60", "celery.conf.update(app.config)", TASK)),
        ("in a base class", app("class Base(celery.Task):\n    time_limit = 60\n@celery.task(base=Base)\ndef go():\n    work()\n")),
        ("RQ instead of Celery", NO_CELERY),
    ],
    "background-tasks.bounded-retries": [
        ("five times", GOOD),
        ("Celery's own bound of three", app("@celery.task(autoretry_for=(Exception,))\ndef go():\n    work()\n")),
        (
            "no bound of the task, one at the call",
            app("@celery.task(bind=True, max_retries=None)\ndef go(self):\n    self.retry(max_retries=9)\n"),
        ),
        (
            "no bound of the task, one for all automatic retries",
            app("@celery.task(max_retries=None, autoretry_for=(OSError,), retry_kwargs={'max_retries': 5})\ndef go():\n    work()\n"),
        ),
        ("it never retries", app("@celery.task(max_retries=None)\ndef go():\n    work()\n")),
    ],
    "background-tasks.beat-names": [
        ("the name Celery makes", SCHEDULED),
        (
            "a name of its own",
            {"app.py": APP + BEAT.replace("tasks.send_report", "reports"), "tasks.py": TASKS.replace("bind=True", 'name="reports"')},
        ),
        ("a task of Celery", {"app.py": APP + BEAT.replace("tasks.send_report", "celery.backend_cleanup"), "tasks.py": TASKS}),
        ("the task itself", app(TASK, "celery.conf.beat_schedule = {'x': {'task': go.name, 'schedule': 5}}")),
        ("by a signature", app(TASK, "@celery.on_after_configure.connect\ndef setup(sender, **kw):\n    sender.add_periodic_task(5, go.s(1))\n")),
        (
            "in a configuration module, in pieces",
            {
                "app.py": app("celery.config_from_object('celeryconfig')", TASK),
                "celeryconfig.py": """
                REPORTS = {"x": {"task": "app.go", "schedule": 5}}
                beat_schedule = {**REPORTS, **dict(y={"task": "app.go", "schedule": 5})}
                """,
            },
        ),
        (
            "in the Flask configuration",
            {
                "app.py": app("app.config.from_object('config.Config')", "celery.config_from_object(app.config['CELERY'])", TASK),
                "config.py": "class Config:\n    CELERY = {'beat_schedule': {'x': {'task': 'app.go', 'schedule': 5}}}\n",
            },
        ),
        ("started from a folder below", {"backend/jobs.py": app(TASK, "celery.conf.beat_schedule = {'x': {'task': 'jobs.go', 'schedule': 5}}")}),
        ("no schedule", GOOD),
    ],
    "background-tasks.serializer": [
        ("JSON alone", GOOD),
        ("left at the default", BARE),
        ("results of its own kind of JSON", app("celery.conf.accept_content = ['json', 'app_json']", TASK)),
        ("pickle only in tests", app("if app.testing:\n    celery.conf.accept_content = ['pickle']", TASK)),
    ],
    "background-tasks.not-eager": [
        ("left off", GOOD),
        (
            "eager in the test configuration",
            {
                "app.py": app("app.config.from_object('config.Config')", "celery.conf.update(app.config)", TASK),
                "config.py": "class Config:\n    A = 1\n\nclass TestConfig(Config):\n    CELERY_TASK_ALWAYS_EAGER = True\n",
            },
        ),
        ("off unless the environment says so", app("import os", "celery.conf.task_always_eager = os.getenv('EAGER', 'false') == 'true'", TASK)),
    ],
    "background-tasks.imported": [
        ("named by include", GOOD),
        ("imported below the application", {"app.py": APP.replace(', include=["tasks"]', "") + "\n    import tasks\n", "tasks.py": TASKS}),
        (
            "imported by the factory the worker's own module calls",
            {
                "shop/__init__.py": """
                from celery import Celery
                from flask import Flask

                celery = Celery("shop")

                def create_app():
                    from shop import views
                    return Flask(__name__)
                """,
                "shop/views.py": "from shop.jobs import go\n",
                "shop/jobs.py": "from shop import celery\n@celery.task\ndef go():\n    work()\n",
                "celery_worker.py": "from shop import celery, create_app\napp = create_app()\n",
            },
        ),
        (
            "found by autodiscover_tasks",
            {
                "app.py": app("celery.autodiscover_tasks(['shop', 'blog'])"),
                "shop/__init__.py": "",
                "shop/tasks.py": "from celery import shared_task\n@shared_task\ndef go():\n    work()\n",
                "blog/__init__.py": "",
            },
        ),
        ("a script that nothing can import", GOOD | {"charge-all.py": "from celery import shared_task\n@shared_task\ndef go():\n    work()\n"}),
        (
            "imported by the module the worker is started with",
            {
                "app.py": app(),
                "Procfile": "worker: celery -A run.celery worker\n",
                "run.py": "from app import celery\nimport jobs\n",
                "jobs.py": "from app import celery\n@celery.task\ndef go():\n    work()\n",
            },
        ),
    ],
    "background-tasks.visibility-timeout": [
        (
            "longer than the longest task",
            {
                "app.py": """
                    from celery import Celery
                    from flask import Flask

                    app = Flask(__name__)
                    celery = Celery("shop", broker="redis://queue:6379/0", include=["tasks"])
                    celery.conf.update(task_acks_late=True, task_time_limit=7200, broker_transport_options={"visibility_timeout": 14400})
                """,
                "tasks.py": TASKS,
            },
        ),
        ("Redis' own hour", {"app.py": LATE.replace("7200", "600"), "tasks.py": TASKS}),
        ("acknowledged at start", {"app.py": LATE.replace("task_acks_late=True, ", ""), "tasks.py": TASKS}),
        ("another broker", {"app.py": LATE.replace("redis://", "amqp://"), "tasks.py": TASKS}),
        ("a short wait", {"app.py": LATE.replace("task_acks_late=True, ", ""), "tasks.py": TASKS + "    send_report.apply_async(countdown=900)\n"}),
        (
            "the task's own limit is short",
            {"app.py": LATE, "tasks.py": TASKS.replace("bind=True", "bind=True, time_limit=60")},
        ),
        ("no Celery", "from flask import Flask\napp = Flask(__name__)\n"),
    ],
    "background-tasks.results-expire": [
        ("not kept", GOOD),
        ("kept for an hour", app("celery.conf.result_backend = 'redis://localhost'", "celery.conf.result_expires = 3600", TASK)),
        ("no backend", BARE),
    ],
    "background-tasks.one-app": [
        ("all on one", {**TWO_APPS, "app.py": TWO_APPS["app.py"].replace("@mails", "@celery")}),
        ("each has a worker of its own", {**TWO_APPS, "Procfile": TWO_APPS["Procfile"] + "mails: celery -A app.mails worker\n"}),
        ("one broker for both", {**TWO_APPS, "app.py": TWO_APPS["app.py"].replace("6379/1", "6379/0")}),
        (
            "Celery's own variable counts for both",
            {
                **TWO_APPS,
                "app.py": TWO_APPS["app.py"]
                .replace('"redis://redis:6379/0"', 'os.environ["CELERY_BROKER_URL"]')
                .replace("    from celery", "    import os\n    from celery", 1),
            },
        ),
        ("no Celery", NO_CELERY),
    ],
}
REPORTED: Reported = {
    "background-tasks.time-limits": [
        ("none", BARE, "app.py:10"),
        ("one of two tasks", app("@celery.task(time_limit=60)\ndef go():\n    work()\n", "@shared_task\ndef come():\n    work()\n"), "app.py:10"),
        ("switched off", app("celery.conf.task_time_limit = None", TASK), "app.py:5"),
    ],
    "background-tasks.bounded-retries": [
        ("for ever", {"app.py": APP, "tasks.py": TASKS.replace("max_retries=5", "max_retries=None")}, "tasks.py:6"),
        (
            "for ever by a base class",
            app("class Base(celery.Task):\n    max_retries = None\n@celery.task(base=Base, autoretry_for=(OSError,))\ndef go():\n    work()\n"),
            "app.py:8",
        ),
        (
            "None at the call means the task's own bound",
            app("@celery.task(bind=True, max_retries=None)\ndef go(self):\n    self.retry(max_retries=None)\n"),
            "app.py:6",
        ),
    ],
    "background-tasks.beat-names": [
        ("the function was renamed", {"app.py": APP + BEAT.replace("send_report", "send_reports"), "tasks.py": TASKS}, "app.py:12"),
        (
            "the task has a name of its own",
            {"app.py": APP + BEAT, "tasks.py": TASKS.replace("bind=True", 'name="reports"')},
            "app.py:12",
        ),
        (
            "a function that is no task",
            app(TASK, "def come():\n    work()\n", "celery.conf.beat_schedule = {'x': {'task': 'app.come', 'schedule': 5}}"),
            "app.py:12",
        ),
        (
            "a name without a module",
            app(TASK, "celery.conf.beat_schedule = {'x': {'task': 'go', 'schedule': 5}, 'y': {'task': 'gone', 'schedule': 5}}"),
            "app.py:9",
        ),
        (
            "a module that is gone",
            {"shop/app.py": app(TASK, "celery.conf.beat_schedule = {'x': {'task': 'shop.old.go', 'schedule': 5}}")},
            "shop/app.py:9",
        ),
    ],
    "background-tasks.serializer": [
        ("pickle is accepted", {"app.py": APP.replace('["json"]', '["json", "pickle"]'), "tasks.py": TASKS}, "app.py:9"),
        ("by its content type and old name", app("app.config['CELERY_ACCEPT_CONTENT'] = ['application/x-python-serialize']", TASK), "app.py:5"),
        ("tasks are sent as pickle", app("celery.conf.task_serializer = 'pickle'", TASK), "app.py:5"),
        ("Celery 3 accepts it by default", {**BARE, "requirements.txt": "Flask\ncelery==3.1.18\n"}, "app.py:6"),
    ],
    "background-tasks.not-eager": [
        ("eager for everybody", app("celery.conf.task_always_eager = True", TASK), "app.py:5"),
        ("eager by its old name", app("app.config['CELERY_ALWAYS_EAGER'] = True", "celery.conf.update(app.config)", TASK), "app.py:5"),
    ],
    "background-tasks.imported": [
        ("nobody names the module", {"app.py": APP.replace(', include=["tasks"]', ""), "tasks.py": TASKS}, "tasks.py:6"),
        (
            "imported inside a task alone",
            {
                "app.py": app("@celery.task\ndef go():\n    import jobs\n"),
                "jobs.py": "from app import celery\n@celery.task\ndef come():\n    work()\n",
            },
            "jobs.py:3",
        ),
    ],
    "background-tasks.visibility-timeout": [
        (
            "the longest task runs longer than Redis waits",
            {
                "app.py": """
                    from celery import Celery
                    from flask import Flask

                    app = Flask(__name__)
                    celery = Celery("shop", broker="redis://queue:6379/0", include=["tasks"])
                    celery.conf.update(task_acks_late=True, task_time_limit=7200)
                """,
                "tasks.py": TASKS,
            },
            "app.py:7",
        ),
        (
            "put off for a day",
            {"app.py": LATE.replace("task_acks_late=True, ", ""), "tasks.py": TASKS + "    send_report.apply_async(countdown=24 * 3600)\n"},
            "tasks.py:11",
        ),
        (
            "one task, by a broker that the example file names",
            {
                "app.py": APP,
                ".env.example": "CELERY_BROKER_URL=redis://queue:6379/0\n",
                "tasks.py": TASKS.replace("bind=True", "bind=True, acks_late=True, time_limit=5400"),
            },
            "tasks.py:6",
        ),
    ],
    "background-tasks.results-expire": [
        (
            "kept for ever",
            app("celery.conf.result_backend = 'redis://localhost'", "celery.conf.result_expires = None", TASK),
            "app.py:6",
        ),
    ],
    "background-tasks.one-app": [("a second one with a broker of its own", TWO_APPS, "app.py:7")],
}
UNKNOWN: Unknown = {
    "background-tasks.time-limits": [
        ("configured from what cannot be seen", app("celery.conf.update(load())", TASK), "load()"),
        ("no tasks", app(), "looked for"),
    ],
    "background-tasks.beat-names": [
        ("the schedule is computed", app("celery.conf.beat_schedule = build()", TASK), "build()"),
        ("the name is computed", app("celery.conf.beat_schedule = {'x': {'task': name(), 'schedule': 5}}", TASK), "name()"),
        ("another package's task", app("celery.conf.beat_schedule = {'x': {'task': 'billing.tasks.go', 'schedule': 5}}", TASK), "installed package"),
        (
            "a task may have that name",
            app("celery.conf.beat_schedule = {'x': {'task': 'go', 'schedule': 5}}", "@celery.task(name=name())\ndef come():\n    work()\n"),
            "name()",
        ),
        (
            "a decorator of its own",
            app("@our_task(name='go')\ndef come():\n    work()\n", TASK, "celery.conf.beat_schedule = {'x': {'task': 'go', 'schedule': 5}}"),
            "do not see",
        ),
    ],
    "background-tasks.serializer": [("configured from what cannot be seen", app("celery.config_from_envvar('X')", TASK), "'X'")],
    "background-tasks.not-eager": [("a function says", app("celery.conf.task_always_eager = eager()", TASK), "eager()")],
    "background-tasks.imported": [
        (
            "names are computed",
            {
                "app.py": app("import importlib", "for name in names():\n    importlib.import_module(name)\n"),
                "jobs.py": "from app import celery\n@celery.task\ndef go():\n    work()\n",
            },
            "importlib.import_module(name)",
        ),
    ],
    "background-tasks.visibility-timeout": [
        ("the broker is not known", {"app.py": APP, "tasks.py": TASKS.replace("bind=True", "bind=True, acks_late=True")}, "not known"),
        ("the timeout is computed", {"app.py": LATE.replace("7200", "7200, broker_transport_options=options()"), "tasks.py": TASKS}, "options()"),
        ("a task without end", {"app.py": LATE.replace(", task_time_limit=7200", ""), "tasks.py": TASKS}, "no time limit"),
    ],
    "background-tasks.results-expire": [("in a database", app("celery.conf.result_backend = 'db+postgresql://x'", TASK), "backend_cleanup")],
    "background-tasks.one-app": [
        ("nothing starts a worker", {"app.py": TWO_APPS["app.py"]}, "not in the tree"),
        ("the broker is computed", {**TWO_APPS, "app.py": TWO_APPS["app.py"].replace('"redis://redis:6379/1"', "queue()")}, "could not be told"),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


def test_the_name_under_which_a_task_is_registered_is_shown() -> None:
    files = REPORTED["background-tasks.beat-names"][1][1]
    assert "which is registered as reports" in ask("background-tasks.beat-names", files).message
