"""Signing in: how often somebody may try, what a session remembers, and proving again who one is.

Who then may do what is `evidence.acts`; that somebody signed in is put on record by `evidence.services.people`.
"""
