"""Plain Django views in the admin's frame. Records are the admin's; what people work on is a page of its own."""
