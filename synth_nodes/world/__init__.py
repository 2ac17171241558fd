"""Maps, scenes, robots and actors, stepped in batches of B robots."""
