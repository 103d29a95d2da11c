"""
The contenders: each is a straightforward implementation of the same job, as a Lambda function.

A module has one function, `process(event, context)`. It makes its clients where such functions
usually do, at import.
"""
