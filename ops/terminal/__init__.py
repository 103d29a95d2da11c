"""
The terminal, and the one way to it.

Text that came from outside is data: in a terminal it must be neither markup nor a control sequence.
So nothing else in `ops` imports rich's console, table or text, or calls `click.echo` and `print`: a
test holds them to it. Here every string is text, whoever wrote it.
"""
