"""The four vendors as one local server, with what they do on a bad day: to test and to rehearse against.

Not a part of the straight line: nothing that plans or applies imports it.
"""
