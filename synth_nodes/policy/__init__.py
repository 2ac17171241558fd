"""Control policies: networks, and the contract that travels with each exported file."""
