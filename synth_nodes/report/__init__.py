"""What a mission's figures look like to people: table, picture, page."""
