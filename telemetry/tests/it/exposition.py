"""Reads an exposition from the standard input with the reference parser and prints it as JSON.

The argument is the format: `text` (Prometheus 0.0.4) or `openmetrics` (1.0.0). Fails when the parser refuses it.
"""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

PARSERS = {"text": parser.text_string_to_metric_families, "openmetrics": open_metrics}


def exemplar(found):
    if found is None:
        return None
    return {"labels": found.labels, "value": found.value, "timestamp": float(found.timestamp)}


def main():
    # Bytes, since reading text would make a carriage return a line's end.
    text = sys.stdin.buffer.read().decode("utf-8")
    families = [
        {
            "name": family.name,
            "type": family.type,
            "unit": family.unit,
            "help": family.documentation,
            "samples": [
                {
                    "name": sample.name,
                    "labels": sample.labels,
                    "value": str(sample.value),
                    "exemplar": exemplar(sample.exemplar),
                }
                for sample in family.samples
            ],
        }
        for family in PARSERS[sys.argv[1]](text)
    ]
    json.dump(families, sys.stdout)


main()
