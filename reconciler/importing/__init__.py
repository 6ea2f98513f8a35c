"""`reconciler import`: what an account holds written down as YAML, proved to plan nothing, and bound. Never anything of people."""
