"""What commands print: data in, text or JSON out. No view acts, no command formats."""
