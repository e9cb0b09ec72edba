"""The `tracebinder` command. Each subcommand is one file with its arguments and its exit codes."""
