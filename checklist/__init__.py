"""The default deployment checklist; import name mingus_gate_checklist."""
