"""What goes into a binder, read from the store: one noun a file, each a list of files for the writer."""
