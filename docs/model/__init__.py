"""The apply protocol as a model small enough to look at every order in which things can happen. `python -m docs.model` runs it."""
