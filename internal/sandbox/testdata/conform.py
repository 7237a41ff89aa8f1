"""Holds answers of the sandbox against botocore's models: prints a line for every member that a model does not have or has otherwise.

usage: conform.py ENDPOINT; the sandbox has a cluster prod with the services api-spot and api-standard.
"""
import json
import sys

import botocore.session
from botocore.config import Config

OPTIONAL = {"Failed"}  # SQS leaves it out of a batch's answer when nothing failed
session = botocore.session.get_session()
problems, calls = set(), 0


def walk(shape, value, path):
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        names = {s.serialization.get("name") or k: s for k, s in shape.members.items()}
        for k, v in value.items():
            if k in names:
                walk(names[k], v, f"{path}.{k}")
            else:
                problems.add(f"{path}.{k}: the model has no such member")
        for k in set(shape.required_members) - set(value) - OPTIONAL:
            problems.add(f"{path}: {k} is missing")
    elif kind == "list" and isinstance(value, list):
        for v in value:
            walk(shape.member, v, f"{path}[]")
    elif kind == "map" and isinstance(value, dict):
        for v in value.values():
            walk(shape.value, v, f"{path}.*")
    elif kind == "string":
        if not isinstance(value, str) or (shape.enum and value not in shape.enum):
            problems.add(f"{path}: {value!r} is no {shape.name}")
    elif kind in ("integer", "long", "boolean"):
        if isinstance(value, bool) != (kind == "boolean") or not isinstance(value, int):
            problems.add(f"{path}: {value!r} is no {kind}")
    elif kind in ("double", "float", "timestamp"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            problems.add(f"{path}: {value!r} is no {kind}")
    else:
        problems.add(f"{path}: {value!r} is no {kind}")


clients = {}


def call(service, operation, /, **params):
    global calls
    calls += 1
    if service not in clients:
        clients[service] = session.create_client(service, region_name="us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="dummy",
                                                 aws_secret_access_key="dummy", config=Config(retries={"max_attempts": 0}))
        clients[service].meta.events.register("after-call", keep)
    return clients[service]._make_api_call(operation, params)


def keep(http_response, model, **_):
    if http_response.status_code == 200 and http_response.content.startswith(b"{") and model.output_shape is not None:
        walk(model.output_shape, json.loads(http_response.content), model.name)


net = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-1"]}}
call("ecs", "DescribeClusters", clusters=["prod", "none"], include=["SETTINGS", "STATISTICS", "TAGS"])
call("ecs", "DescribeCapacityProviders")
call("ecs", "RegisterTaskDefinition", family="web", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
     containerDefinitions=[{"name": "app", "image": "nginx:1", "stopTimeout": 120}])
call("ecs", "CreateService", cluster="prod", serviceName="web", taskDefinition="web", desiredCount=1, networkConfiguration=net,
     capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}], deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
call("ecs", "DescribeTaskDefinition", taskDefinition="web", include=["TAGS"])
call("ecs", "DescribeServices", cluster="prod", services=["web", "api-spot", "none"], include=["TAGS"])
call("ecs", "UpdateService", cluster="prod", service="api-standard", desiredCount=1)
made = call("ecs", "ListServiceDeployments", cluster="prod", service="web")["serviceDeployments"]
call("ecs", "DescribeServiceDeployments", serviceDeploymentArns=[made[0]["serviceDeploymentArn"], made[0]["serviceDeploymentArn"] + "x"])
call("ecs", "DescribeServiceRevisions", serviceRevisionArns=[made[0]["targetServiceRevisionArn"]])
arns = call("ecs", "ListTasks", cluster="prod")["taskArns"]
call("ecs", "DescribeTasks", cluster="prod", tasks=arns[:50] + ["0" * 32], include=["TAGS"])
call("ecs", "UpdateTaskProtection", cluster="prod", tasks=arns[:1], protectionEnabled=True)
call("ecs", "RunTask", cluster="prod", taskDefinition="web", networkConfiguration=net, launchType="FARGATE")
call("ecs", "StopTask", cluster="prod", task=arns[-1])
target = {"ServiceNamespace": "ecs", "ResourceId": "service/prod/api-spot", "ScalableDimension": "ecs:service:DesiredCount"}
call("application-autoscaling", "RegisterScalableTarget", MinCapacity=1, MaxCapacity=9, **target)
call("application-autoscaling", "DescribeScalableTargets", ServiceNamespace="ecs")
call("application-autoscaling", "RegisterScalableTarget", MinCapacity=4, **target)
call("application-autoscaling", "PutScalingPolicy", PolicyName="cpu", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
    "TargetValue": 50, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}, **target)
call("application-autoscaling", "PutScalingPolicy", PolicyName="steps", PolicyType="StepScaling", StepScalingPolicyConfiguration={
    "AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}, **target)
call("application-autoscaling", "PutScheduledAction", ScheduledActionName="noon", Schedule="cron(0 12 * * ? *)", ScalableTargetAction={"MinCapacity": 2}, **target)
call("application-autoscaling", "DescribeScheduledActions", ServiceNamespace="ecs")
call("application-autoscaling", "DescribeScalingPolicies", ServiceNamespace="ecs")
if not call("application-autoscaling", "DescribeScalingActivities", ServiceNamespace="ecs")["ScalingActivities"]:
    problems.add("DescribeScalingActivities: the new minimum is no activity")
call("application-autoscaling", "DeleteScheduledAction", ScheduledActionName="noon", **target)
queue = call("sqs", "CreateQueue", QueueName="conform")["QueueUrl"]
call("sqs", "GetQueueAttributes", QueueUrl=queue, AttributeNames=["All"])
call("sqs", "SendMessageBatch", QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "a"}])
got = call("sqs", "ReceiveMessage", QueueUrl=queue, AttributeNames=["All"])["Messages"]
call("sqs", "DeleteMessageBatch", QueueUrl=queue, Entries=[{"Id": "1", "ReceiptHandle": got[0]["ReceiptHandle"]}])
call("service-quotas", "ListServiceQuotas", ServiceCode="fargate")
call("events", "DescribeRule", Name="backstop-events")
call("events", "PutRule", Name="conform", EventPattern='{"source": ["aws.ecs"]}')
call("events", "PutTargets", Rule="conform", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:conform"}])
call("events", "DisableRule", Name="conform")
call("events", "ListRules")
call("events", "ListTargetsByRule", Rule="conform")
call("events", "ListTargetsByRule", Rule="backstop-events")
call("sns", "ListTopics")
group = call("elbv2", "CreateTargetGroup", Name="conform", Protocol="HTTP", Port=80, VpcId="vpc-1", TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
balancer = call("elbv2", "CreateLoadBalancer", Name="conform", Subnets=["subnet-a", "subnet-b"])["LoadBalancers"][0]["LoadBalancerArn"]
listener = call("elbv2", "CreateListener", LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
                DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])["Listeners"][0]["ListenerArn"]
call("elbv2", "RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "192.0.2.1", "Port": 80}])
for operation, wanted in [("DescribeTargetHealth", {"TargetGroupArn": group}), ("DescribeTargetGroupAttributes", {"TargetGroupArn": group}),
                          ("DescribeTargetGroups", {}), ("DescribeRules", {"ListenerArn": listener}), ("DescribeLoadBalancers", {})]:
    answer = call("elbv2", operation, **wanted)
    if not any(isinstance(v, list) and v for v in answer.values()):
        problems.add(f"{operation}: nothing of the answer is understood: {answer}")
call("sts", "GetCallerIdentity")
call("sts", "AssumeRole", RoleArn="arn:aws:iam::123456789012:role/backstop", RoleSessionName="conform", DurationSeconds=900)

for p in sorted(problems):
    print(p)
print(f"{calls} calls", file=sys.stderr)
