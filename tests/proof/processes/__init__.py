"""Crashes and races with real processes over real sockets: how runs are started, cut, frozen and judged."""
