"""`make demo`: the whole chain once, with a real model, through the doors its users use."""
