"""Stripe as facts: calls, amounts, webhooks and what reaches the browser."""
