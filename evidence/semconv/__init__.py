"""What the spans of a trace mean: GenAI conventions old and new, OpenInference, and our own `tracebinder.*`.

Pure: no Django, no database, no clock. Attributes that nothing here reads stay on the span.
"""
