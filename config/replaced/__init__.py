"""Commands of Django's that would change people past the record, replaced by ones of ours.

Of two commands of one name that of the earlier app is run, so this one stands before `django.contrib.auth`.
"""
