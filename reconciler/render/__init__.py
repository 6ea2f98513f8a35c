"""One value in, one string out: a plan, a report or problems as text, markdown or JSON. Nothing here prints."""
