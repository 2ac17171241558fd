"""The safety core: pure functions from rules, state, sensors and command to a verdict."""
