"""The Lambda Runtime API's client for handlers in Python: $RIVAL_DIR, and $RIVAL_HANDLER as MODULE.FUNCTION."""

import importlib
import json
import os
import sys
import urllib.request

api = "http://%s/2018-06-01/runtime/" % os.environ["AWS_LAMBDA_RUNTIME_API"]
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(invocation, what, body):
    direct.open(urllib.request.Request("%sinvocation/%s/%s" % (api, invocation, what), json.dumps(body).encode(), {"Content-Type": "application/json"})).read()


sys.path.insert(0, os.environ["RIVAL_DIR"])
module, function = os.environ["RIVAL_HANDLER"].rsplit(".", 1)
handler = getattr(importlib.import_module(module), function)
while True:
    with direct.open(api + "invocation/next") as answer:
        invocation, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    try:
        post(invocation, "response", handler(event, None))
    except Exception as problem:
        post(invocation, "error", {"errorType": type(problem).__name__, "errorMessage": str(problem)})
