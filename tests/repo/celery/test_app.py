from pathlib import Path

from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import celery_apps, tasks
from mingus_gate.repo.celery.beat import beat_entries
from mingus_gate.repo.celery.settings import celery_settings, hidden_settings
from mingus_gate.repo.celery.worker import worker
from tests.tools import Files, write


def tree(root: Path, files: Files) -> Repo:
    return Repo(write(root, files))


def settings(repo: Repo) -> dict[str, object]:
    return {s.key: s.value.literal for s in repo.fact(celery_settings)}


def test_applications_made_in_all_ways(tmp_path: Path) -> None:
    repo = tree(
        tmp_path,
        """
        import celery
        from celery import Celery
        from flask_celeryext import FlaskCeleryExt
        from notify.celery import NotifyCelery

        class ShopCelery(Celery):
            pass

        one = Celery("one")
        two: Celery = celery.Celery()
        three = ShopCelery()
        four = NotifyCelery()

        def make_celery(app):
            made = FlaskCeleryExt(app)
            return made.celery
        """,
    )
    assert [app.name for app in repo.fact(celery_apps)] == ["one", "two", "three", "four", "make_celery"]


def test_tasks_belong_to_their_application(tmp_path: Path) -> None:
    repo = tree(
        tmp_path,
        {
            "shop/core.py": "from celery import Celery\ndef make_celery():\n    app = Celery()\n    return app\n\ncelery = make_celery()\n",
            "shop/__init__.py": "from shop.core import celery as worker\n",
            "shop/jobs.py": """
            from celery import shared_task
            from shop import worker

            @worker.task
            def one(): ...

            @worker.task(name="second", bind=True)
            def two(self): ...

            @shared_task()
            def three(): ...

            @worker.task(name=NAME)
            def four(): ...
            """,
        },
    )
    found = repo.fact(tasks)
    assert [(t.name, t.given) for t in found] == [("shop.jobs.one", False), ("second", True), ("shop.jobs.three", False), ("", True)]
    assert [t.app and t.app.name for t in found] == ["make_celery", "make_celery", None, "make_celery"]
    assert found[3].unresolved == "NAME"


def test_what_is_no_task(tmp_path: Path) -> None:
    repo = tree(
        tmp_path,
        {
            "tasks.py": "from invoke import task\n\n@task\ndef build(c): ...\n",
            "jobs.py": "from huey import RedisHuey\nhuey = RedisHuey()\n\n@huey.task()\ndef go(): ...\n",
            "app.py": "from celery import Celery\napp = Celery()\n",
        },
    )
    assert repo.fact(tasks) == []


def test_a_class_is_a_task(tmp_path: Path) -> None:
    repo = tree(
        tmp_path,
        """
        from celery import Celery, Task
        app = Celery()

        class Context(Task):
            def __call__(self): ...

        class Send(Task):
            name = "send"
            time_limit = 5
            def run(self): ...
        """,
    )
    (task,) = repo.fact(tasks)
    limit = task.option(repo, "time_limit")
    assert (task.name, limit and limit.literal) == ("send", 5)


def test_settings_of_all_kinds_go_by_their_new_names(tmp_path: Path) -> None:
    repo = tree(
        tmp_path,
        {
            "app.py": """
            from celery import Celery
            from flask import Flask
            import celeryconfig
            from limits import Limits

            MORE = {"result_expires": 3}
            celery = Celery("x", broker="sqs://", timezone="UTC")
            celery.conf.update(task_time_limit=1, **MORE)
            celery.conf.update({"task_soft_time_limit": 2})
            celery.conf.task_ignore_result = True
            celery.conf["enable_utc"] = False
            celery.config_from_object("celeryconfig")
            celery.config_from_object(Limits)
            app = Flask(__name__)
            app.config["CELERY_ALWAYS_EAGER"] = False
            app.config["CELERY"] = {"imports": ("a",)}
            """,
            "celeryconfig.py": "accept_content = ['json']\n",
            "limits.py": "class Limits:\n    worker_concurrency = 4\n",
        },
    )
    found = settings(repo)
    assert found["broker_url"] == "sqs://"
    assert [found[key] for key in ("task_time_limit", "task_soft_time_limit", "result_expires", "worker_concurrency")] == [1, 2, 3, 4]
    assert found["task_ignore_result"] is True
    assert found["enable_utc"] is found["task_always_eager"] is False
    assert {"accept_content", "imports", "timezone"} <= found.keys()
    assert repo.fact(hidden_settings) == []


def test_what_cannot_be_seen_is_said(tmp_path: Path) -> None:
    repo = tree(
        tmp_path, "from celery import Celery\ncelery = Celery()\ncelery.conf.update(load())\ncelery.conf.update({**other, 'timezone': 'UTC'})\n"
    )
    assert [h.expression for h in repo.fact(hidden_settings)] == ["load()", "other"]
    assert settings(repo) == {"timezone": "UTC"}


def test_settings_belong_to_their_application(tmp_path: Path) -> None:
    one = "from celery import Celery\ndef make():\n    made = Celery()\n    made.conf.update(task_time_limit={})\n    return made\n\napp = make()\n"
    repo = tree(tmp_path, {"a.py": one.format(1), "b.py": one.format(2)})
    assert [(s.app and s.app.module.path, s.value.literal) for s in repo.fact(celery_settings)] == [("a.py", 1), ("b.py", 2)]


def test_beat_entries_are_followed_to_their_dictionaries(tmp_path: Path) -> None:
    repo = tree(
        tmp_path,
        {
            "app.py": """
            from celery import Celery
            from schedules import REPORTS

            celery = Celery()
            celery.conf.beat_schedule = {**(celery.conf.beat_schedule or {}), **REPORTS, "b": {"task": "two"}}
            celery.conf.beat_schedule["c"] = {"task": "three"}
            celery.conf.beat_schedule.update({"d": dict(task="four")})
            celery.conf.beat_schedule.update(load())
            """,
            "schedules.py": "ENTRY = {'task': 'one'}\nREPORTS = {'a': ENTRY}\n",
        },
    )
    found = repo.fact(beat_entries)
    assert [(e.entry, e.task, e.unresolved) for e in found] == [
        ("b", "two", ""),
        ("c", "three", ""),
        ("d", "four", ""),
        ("", "", "load()"),
        ("a", "one", ""),
    ]
    assert str(found[-1].place) == "schedules.py:1"


def test_the_worker_loads_what_its_start_runs(tmp_path: Path) -> None:
    repo = tree(
        tmp_path,
        {
            "shop/__init__.py": "",
            "shop/app.py": """
            from celery import Celery
            import shop.imported

            celery = Celery("x", include=["shop.included"])

            @celery.task
            def go():
                import shop.inside_a_task

            def setup():
                from shop import called

            class Plugin:
                def load(self):
                    import shop.method

            setup()
            Plugin().load()
            if __name__ == "__main__":
                import shop.main_only
            """,
            **{f"shop/{name}.py": "" for name in ("imported", "included", "inside_a_task", "called", "method", "main_only")},
        },
    )
    started = repo.fact(worker)
    loaded = {path.removeprefix("shop/").removesuffix(".py") for path in started.running.modules}
    assert {"app", "imported", "included", "called", "method"} <= loaded
    assert not {"inside_a_task", "main_only"} & loaded
    assert started.hidden == ()
