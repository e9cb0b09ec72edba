"""Claims of an answer and what their citations are worth. Pure: no Django, no database, no clock."""
