"""Faults in real processes: what is acknowledged is durable, whatever is killed, stopped or taken away."""
