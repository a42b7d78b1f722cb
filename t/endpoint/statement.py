"""What is run over foreign tables and compared: commands about a query."""
from random_queries import Query


class Statement:
    """Commands of some kind about a query, which may be reduced.

    most: a query of how many ARNs it may ask for.  steady: settings in which it
    is compared with itself without read-ahead, not with local copies.
    """

    def __init__(self, kind, query, commands, most=0, steady=None):
        self.kind, self.query, self.commands = kind, query, commands
        self.most, self.steady = most, steady

    def sql(self):
        return self.commands(self.query)

    def smaller(self):
        if isinstance(self.query, Query):
            for query in self.query.smaller():
                yield Statement(self.kind, query, self.commands, self.most, self.steady)


def sorted_query(query):
    places = ", ".join(str(i + 1) for i in range(len(query.select)))
    return f"SELECT * FROM ({query.sql()}) q ORDER BY {places}"
