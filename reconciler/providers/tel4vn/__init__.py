"""Tel4vn: see provider.py for what is done, wire.py for how it looks on the wire."""
