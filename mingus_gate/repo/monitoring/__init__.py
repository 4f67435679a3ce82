"""What tells people that something is wrong: log calls and levels, trackers, metrics, load tests."""
