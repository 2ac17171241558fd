"""How good data are: distances between real and synthetic, tests, the gate they must pass."""
