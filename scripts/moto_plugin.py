"""A pytest plugin for scripts/moto: moto's tests in its server mode, against a sandbox.

moto's tests ask its server for a clean account at /moto-api/reset; here that is the sandbox's own route. What became of each test is compared with the list
$BACKSTOP_MOTO_LIST, and written to $BACKSTOP_MOTO_RESULTS where that is set, a line a test: outcome, tab, name, tab, why. The outcomes are

  passed   as moto expects
  failed   otherwise
  unserved failed, and asked for an operation or a service that the sandbox does not have
  unsent   failed, as this boto3 does not know what the test asks for
  skipped  by moto itself, in server mode
"""

import collections
import itertools
import json
import os
import re
import signal

import botocore.client
import botocore.exceptions
import pytest
import requests

ENDPOINT = os.environ["TEST_SERVER_MODE_ENDPOINT"]
# The last one is what calls without a signature get: no operation of the sandbox goes without.
UNKNOWN = {"UnknownOperationException", "InvalidAction", "MissingAuthenticationToken"}
# Queues take what their policies let in; moto's do not ask.
OPEN = (
    '{"Statement":{"Effect":"Allow","Principal":"*","Action":["sqs:*"],"Resource":"*"}}'
)
OPEN_IN = ("tests/test_sns/", "tests/test_events/")

_post = requests.post
_call = botocore.client.BaseClient._make_api_call
_unserved = set()
_refusals = []
_said = []
_results = {}
_state = {"test": ""}
_numbers = itertools.count(1)

# The sandbox has a rule of its own in each region, for ECS's events. Tests of EventBridge count rules.
OWN_RULE = "backstop-events"
OWN_RULE_REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1")


def _events(region, operation, body):
    scope = f"AWS4-HMAC-SHA256 Credential=a/20260101/{region}/events/aws4_request, SignedHeaders=host, Signature=0"
    headers = {
        "Authorization": scope,
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSEvents." + operation,
    }
    _post(ENDPOINT, data=json.dumps(body), headers=headers).raise_for_status()


def _reset(url, *args, **kwargs):
    if not url.endswith("/moto-api/reset"):
        return _post(url, *args, **kwargs)
    answer = _post(ENDPOINT + "/_sandbox/reset")
    if _state["test"].startswith("tests/test_events/"):
        for region in OWN_RULE_REGIONS:
            _events(region, "RemoveTargets", {"Rule": OWN_RULE, "Ids": [OWN_RULE]})
            _events(region, "DeleteRule", {"Name": OWN_RULE})
    return answer


def _network(operation, given):
    """What tests need of EC2 before they come to what they test: names that are as good as any here."""
    n = next(_numbers)
    if operation == "CreateVpc":
        return {"Vpc": {"VpcId": f"vpc-{n:08x}", "CidrBlock": given["CidrBlock"]}}
    if operation == "CreateSecurityGroup":
        return {"GroupId": f"sg-{n:08x}"}
    if operation == "CreateSubnet":
        zone = given.get("AvailabilityZone", "us-east-1a")
        return {"Subnet": {"SubnetId": f"subnet-{n:08x}-{zone[-1]}", "VpcId": given["VpcId"], "AvailabilityZone": zone, "CidrBlock": given.get("CidrBlock", "")}}
    return None


def _recorded(self, operation, parameters):
    name = self.meta.service_model.service_name + ":" + operation
    if operation == "CreateQueue" and _state["test"].startswith(OPEN_IN):
        attributes = dict(parameters.get("Attributes") or {})
        attributes.setdefault("Policy", OPEN)
        parameters = dict(parameters, Attributes=attributes)
    if self.meta.service_model.service_name == "ec2":
        made = _network(operation, parameters)
        if made is not None:
            return made
    try:
        return _call(self, operation, parameters)
    except botocore.exceptions.ClientError as e:
        error = e.response.get("Error", {})
        status = e.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if error.get("Code") in UNKNOWN or status == 404 and not error.get("Code"):
            _unserved.add(name)
        refusal = f"{error.get('Code')}: {error.get('Message')}"
        if refusal not in _refusals:
            _refusals.append(refusal)
        raise
    except botocore.parsers.ResponseParserError:
        _unserved.add(name)
        raise


requests.post = _reset
botocore.client.BaseClient._make_api_call = _recorded


def pytest_runtest_setup(item):
    _unserved.clear()
    _refusals.clear()
    _state["test"] = item.nodeid


# Some helpers of the tests ask for ever for what the sandbox does not have.
SECONDS_MAX = 30


def _late(*_):
    pytest.fail(f"takes longer than {SECONDS_MAX} s")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(SECONDS_MAX)
    yield
    signal.alarm(0)


def _is_unsent(excinfo):
    if isinstance(
        excinfo.value,
        (
            botocore.exceptions.ParamValidationError,
            botocore.exceptions.UnknownServiceError,
            botocore.exceptions.UnknownClientMethodError,
        ),
    ):
        return True
    return isinstance(excinfo.value, AttributeError) and "object has no attribute" in str(excinfo.value)


def _line(excinfo):
    lines = str(excinfo.exconly()).replace("\t", " ").splitlines()
    return " · ".join([(lines or ["?"])[0][:200]] + [r.replace("\n", " ")[:200] for r in _refusals[-3:]])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "teardown" or report.when == "setup" and report.passed:
        return
    outcome, why = report.outcome, _line(call.excinfo) if call.excinfo else ""
    if outcome == "failed" and _unserved:
        outcome, why = "unserved", " ".join(sorted(_unserved))
    elif outcome == "failed" and _is_unsent(call.excinfo):
        outcome = "unsent"
    _results[item.nodeid] = (outcome, why)


def pytest_collectreport(report):
    if report.failed:
        _results[report.nodeid] = ("failed", "cannot be collected: " + str(report.longrepr).strip().splitlines()[-1][:200])


class Line:
    """A line of the list: which tests fail, by what, and the source that says why they may."""

    def __init__(self, number, text):
        self.number, columns = number, [c.strip() for c in text.split(" | ")]
        self.tests, self.says, self.source, self.why = columns
        self.form = re.compile(re.escape(self.tests).replace(r"\*", ".*") + r"\Z")
        self.met = False

    def names(self, test):
        return self.form.match(test.removeprefix("tests/")) is not None


def _lines(path):
    with open(path) as f:
        return [Line(n, t) for n, t in enumerate(f, 1) if t.strip() and not t.startswith("#")]


def _judge(results, lines):
    """What is wrong: failures that nothing names, and lines that no failure needs any more."""
    wrong = []
    for test, (outcome, why) in sorted(results.items()):
        if outcome != "failed":
            continue
        named = [line for line in lines if line.names(test) and line.says in why]
        for line in named:
            line.met = True
        if not named:
            wrong.append(f"not listed: {test}: {why}")
    for line in lines:
        about = [outcome for test, (outcome, _) in results.items() if line.names(test)]
        if not line.met and "passed" in about:
            wrong.append(f"line {line.number}: {line.tests} passes, or fails otherwise: take the line out")
        elif not line.met and not about:
            _said.append(f"line {line.number}: this moto has no test {line.tests}")
    return wrong


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    path = os.environ.get("BACKSTOP_MOTO_RESULTS")
    if path:
        with open(path, "w") as out:
            for test, (outcome, why) in sorted(_results.items()):
                out.write(f"{outcome}\t{test}\t{why}\n")
    wrong = _judge(_results, _lines(os.environ["BACKSTOP_MOTO_LIST"]))
    counts = collections.Counter(outcome for outcome, _ in _results.values())
    counts["listed"] = counts.pop("failed", 0) - sum(1 for line in wrong if line.startswith("not listed"))
    _said.append("moto: " + ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())) + f"; {len(wrong)} disagreements that the list does not name")
    _said.extend("  " + line for line in wrong)
    session.exitstatus = 1 if wrong or not counts["passed"] else 0


def pytest_unconfigure():
    """After what pytest itself has to say, which knows neither the list nor what the sandbox does not have."""
    print("\n".join(_said))
