"""Plays state machines with moto's interpreter of the Amazon States Language (LocalStack's), which was not written here.

Each line of standard input is a JSON object: definition, input, name, endpoint. Each line of standard output is what came of it: status, output, error,
cause, states. moto's own JSONata is a Java library that it does not ship; the reference implementation (npm, jsonata.js) takes its place. Waits move the
sandbox's clock. What is asked of ECS goes to the sandbox.
"""

import json
import logging
import os
import subprocess
import sys
import time
import urllib.request

import moto.stepfunctions.parser.asl.jsonata.jsonata as jsonata

node = subprocess.Popen(
    ["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "jsonata.js")],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
)


def evaluate(expression):
    node.stdin.write(json.dumps(expression) + "\n")
    node.stdin.flush()
    answer = json.loads(node.stdout.readline())
    if "error" in answer:
        raise jsonata.JSONataException("UNKNOWN", answer["error"] + ": " + expression[-300:])
    return answer["value"]


def declare(bindings):
    # moto writes texts between quotes as they are, quotes in them included.
    return "".join(name + ":=" + json.dumps(value, default=str) + ";" for name, value in bindings.items())


# Before the modules that take these by name.
jsonata.eval_jsonata_expression = evaluate
jsonata.encode_jsonata_variable_declarations = declare

import boto3
from botocore.config import Config
from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.component.intrinsic import jsonata as added
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk as service
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.states import ContextObjectData, ExecutionData, StateMachineData
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

logging.disable(logging.CRITICAL)
added._DECLARATION_BY_VARIABLE_REFERENCE["$hash"] = ""
service._SERVICE_ERROR_NAMES["ecs"] = "Ecs"
endpoint, entered = "http://localhost", []


def advance(seconds):
    request = urllib.request.Request(endpoint + "/_sandbox/advance", json.dumps({"seconds": seconds}).encode())
    urllib.request.urlopen(request, timeout=30).close()


def client(region, service, state_credentials=None):
    return boto3.client(
        service, region_name=region, endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(retries={"max_attempts": 0, "total_max_attempts": 1}, read_timeout=30),
    )


shapes = client("us-east-1", "ecs").meta.service_model


def shape(task):
    return shapes.operation_model(task.resource.api_action[0].upper() + task.resource.api_action[1:])


# An aws-sdk integration has the API's names with a capital; moto leaves that to LocalStack.
service.StateTaskServiceAwsSdk._normalise_parameters = lambda self, given, *_: self._to_boto_request(given, shape(self).input_shape)
service.StateTaskServiceAwsSdk._normalise_response = lambda self, got, *_: self._from_boto_response(got, shape(self).output_shape)


def run_state(self, env):
    entered.append(self.name)
    return body(self, env)


WaitFunction._wait_interval = lambda self, env, wait_seconds: advance(wait_seconds)
time.sleep = lambda seconds: advance(max(seconds, 0.001))
service.boto_client_for = client
body, CommonStateField._eval_body = CommonStateField._eval_body, run_state

REGION, ACCOUNT = "us-east-1", "123456789012"
PREFIX = "arn:aws:states:" + REGION + ":" + ACCOUNT


def play(definition, name, given):
    program = AmazonStateLanguageParser.parse(definition)[0]
    env = Environment(
        aws_execution_details=AWSExecutionDetails(ACCOUNT, REGION, "arn:aws:iam::" + ACCOUNT + ":role/run"),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(
            Execution=ExecutionData(Id=PREFIX + ":execution:run:" + name, Input=given, Name=name, RoleArn="", StartTime="2026-11-30T12:00:00Z"),
            StateMachine=StateMachineData(Id=PREFIX + ":stateMachine:run", Name="run"),
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None, activity_store={},
    )
    program.eval(env)
    end = env.program_state()
    out = {"status": type(end).__name__}
    if hasattr(end, "error"):
        out["error"], out["cause"] = end.error.get("error"), end.error.get("cause")
    else:
        out["output"] = env.states.get_input()
    return out


for line in sys.stdin:
    order = json.loads(line)
    endpoint, entered = order["endpoint"], []
    try:
        answer = play(order["definition"], order["name"], order["input"])
    except Exception as e:  # the test shows it
        answer = {"status": "broken", "error": repr(e)}
    answer["states"] = entered
    print(json.dumps(answer, default=str), flush=True)
