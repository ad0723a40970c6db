"""The command line: arguments in, tables and files out."""
