"""The ledger: what we sent, what became of it, what we own. One contract (base.py), one file per store."""
