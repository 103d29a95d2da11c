"""The roles of people: what each may do, the policy that lets it, and what AWS refused."""
