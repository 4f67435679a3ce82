"""How git calls us; import name mingus_gate_hooks. Nothing imports it."""
