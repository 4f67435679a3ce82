"""The models as facts: metadatas, the classes and tables declared on them, and the columns those come to."""
