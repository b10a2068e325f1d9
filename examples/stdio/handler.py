"""A handler in Python: it reports which events say that a battery is low."""
import json
import sys


def handle(event):
    for signal in event["payload"]["data"].get("signals", []):
        percent = signal.get("body", {}).get("value", 100)
        if signal["code"] == "tractionbattery-stateofcharge" and percent < limit:
            print("battery is low, event", event["event_id"], file=sys.stderr)


def answer(event):
    try:
        handle(event)
        return {"result": "done"}
    except Exception as error:  # the event comes again; after some attempts it is a dead letter
        return {"result": "retry", "error": type(error).__name__}


for line in sys.stdin:
    batch = json.loads(line)
    if batch["id"] == 0:
        limit = batch["settings"].get("limit", 20)
    print(json.dumps({"id": batch["id"], "results": [answer(e) for e in batch["events"]]}), flush=True)
