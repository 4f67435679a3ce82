"""How git calls us; import name mingus_gate_hooks, so modules here import one another relatively. Nothing imports it."""
