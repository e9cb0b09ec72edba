"""What probes of a direction share: pairs of texts, a direction fitted on some, read and changed in others, and words.

A direction is fitted on pairs of texts of some templates and reported on pairs of others. That it can be read is held
against what the text alone tells; that it is used, against random directions along which as much is changed.
"""
