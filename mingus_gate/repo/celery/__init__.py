"""Celery as facts: applications, tasks, settings, workers and the beat."""
