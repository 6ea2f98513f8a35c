"""Proofs of the promise that nobody is called twice; every layer runs short in `make test` and long in `make chaos`."""
