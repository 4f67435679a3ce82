"""Load test: 100 users for five minutes. It fails, for CI too, when the budget is broken.

locust --headless --users 100 --spawn-rate 10 --run-time 5m --host https://staging.ledger.example -f loadtest/locustfile.py
"""

from __future__ import annotations

import os
from typing import Any

from locust import HttpUser, between, events, task

BUDGET_P95_MILLISECONDS = 300
BUDGET_FAILURES = 0.01


class Reader(HttpUser):
    wait_time = between(1, 3)

    def on_start(self) -> None:
        given = {"email": os.environ["LOADTEST_EMAIL"], "password": os.environ["LOADTEST_PASSWORD"]}
        token = self.client.post("/api/token", json=given).json()["token"]
        self.client.headers["Authorization"] = f"Bearer {token}"

    @task(3)
    def entries(self) -> None:
        self.client.get("/api/entries")

    @task(1)
    def balances(self) -> None:
        self.client.get("/api/balances")


@events.quitting.add_listener
def keep_the_budget(environment: Any, **_: Any) -> None:
    total = environment.stats.total
    if total.fail_ratio > BUDGET_FAILURES or total.get_response_time_percentile(0.95) > BUDGET_P95_MILLISECONDS:
        environment.process_exit_code = 1
