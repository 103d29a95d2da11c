"""Everything that is HTTP: requests, parameters, responses, problems, and the API's document."""
