"""A host: the Django application that the documentation's two Django files are put into."""
