"""What reconciler costs, beside what else there is, in one run on one machine: `make bench`."""
