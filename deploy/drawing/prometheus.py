"""What a Prometheus answers over its HTTP API."""

import json
import urllib.error
import urllib.parse
import urllib.request


class Prometheus:
    """One server, and the moments between which it is asked."""

    def __init__(self, url, begin, end):
        self.url, self.begin, self.end = url.rstrip("/"), begin, end

    def _ask(self, path, **parameters):
        data = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", data=data, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            # The body says what is wrong with the query.
            raise ValueError(f"{parameters.get('query')}: {json.load(error).get('error')}") from error

    def now(self, expr):
        """Labels and value of each series at the end, in the order of the labels, unless the query asks for another."""
        found = self._ask("query", query=expr, time=self.end)
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        series = [(one["metric"], float(one["value"][1])) for one in found["result"]]
        if expr.startswith(("sort", "topk")):
            return series
        return sorted(series, key=lambda one: sorted(one[0].items()))

    def over_time(self, expr, step):
        """Labels and points of each series, in the order of the labels."""
        found = self._ask("query_range", query=expr, start=self.begin, end=self.end, step=step)
        series = [(one["metric"], [(at, float(value)) for at, value in one["values"]]) for one in found["result"]]
        return sorted(series, key=lambda one: sorted(one[0].items()))
