"""A program on boto3: makes a service and tasks as its user would, waits with boto3's own waiters, and prints what it read.

$NAME names what it makes. $DELAY is how many seconds the waiters wait between two looks; without it as many as boto3 does.
"""

import os

import boto3
import botocore.exceptions

name = os.environ["NAME"]
delay = {"WaiterConfig": {"Delay": float(os.environ["DELAY"])}} if "DELAY" in os.environ else {}
network = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"]}}
spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
ecs, sqs, sts = (boto3.client(service) for service in ("ecs", "sqs", "sts"))

print("account", sts.get_caller_identity()["Account"])
ecs.create_cluster(clusterName=name, capacityProviders=["FARGATE", "FARGATE_SPOT"])
print("cluster", ecs.describe_clusters(clusters=[name])["clusters"][0]["status"])


def register(family, cpu="256", **container):
    return ecs.register_task_definition(
        family=family, cpu=cpu, memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
        containerDefinitions=[{"name": "app", "image": "app:1", "essential": True} | container])


def run(family):
    answer = ecs.run_task(cluster=name, taskDefinition=family, capacityProviderStrategy=spot, networkConfiguration=network)
    return {"cluster": name, "tasks": [answer["tasks"][0]["taskArn"]]}


def refused(call, **arguments):
    try:
        call(**arguments)
        print("not refused")
    except botocore.exceptions.ClientError as problem:
        print("%(Code)s: %(Message)s" % problem.response["Error"])


register(name + "-app")
register(name + "-app", command=["sh", "-c", "sleep 900; exit 7"])
pages = list(ecs.get_paginator("list_task_definitions").paginate(familyPrefix=name + "-app", PaginationConfig={"PageSize": 1}))
pages = [page for page in pages if page["taskDefinitionArns"]]
print("task definitions %d in %d pages" % (sum(len(page["taskDefinitionArns"]) for page in pages), len(pages)))

ecs.create_service(cluster=name, serviceName="web", taskDefinition=name + "-app:1", desiredCount=2,
                   capacityProviderStrategy=spot, networkConfiguration=network)
web = {"cluster": name, "services": ["web"]}
ecs.get_waiter("services_stable").wait(**web, **delay)
service = ecs.describe_services(**web)["services"][0]
print("service stable: %d of %d tasks run, %d deployment" % (service["runningCount"], service["desiredCount"], len(service["deployments"])))

job = run(name + "-app:2")
ecs.get_waiter("tasks_running").wait(**job, **delay)
task = ecs.describe_tasks(**job)["tasks"][0]
print("task", task["lastStatus"], "on", task["capacityProviderName"])
ecs.get_waiter("tasks_stopped").wait(**job, **delay)
task = ecs.describe_tasks(**job)["tasks"][0]
print("task %s: %s, exit code %d" % (task["lastStatus"], task["stopCode"], task["containers"][0]["exitCode"]))

register(name + "-broken", image="app:does-not-exist")
job = run(name + "-broken")
ecs.get_waiter("tasks_stopped").wait(**job, **delay)
task = ecs.describe_tasks(**job)["tasks"][0]
print("task of a missing image %s: %s, %s" % (task["lastStatus"], task["stopCode"], task["stoppedReason"].split(":")[0]))

refused(ecs.describe_services, cluster=name + "-nowhere", services=["web"])
refused(ecs.update_service, cluster=name, service="nowhere", desiredCount=1)
refused(register, family=name + "-large", cpu="300")

queue = sqs.create_queue(QueueName=name)["QueueUrl"]
sqs.send_message(QueueUrl=queue, MessageBody="hello <b> & c")
message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
print("message", message["Body"])
sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

ecs.delete_service(cluster=name, service="web", force=True)
ecs.get_waiter("services_inactive").wait(**web, **delay)
print("service", ecs.describe_services(**web)["services"][0]["status"])
ecs.delete_cluster(cluster=name)
print("cluster", ecs.describe_clusters(clusters=[name])["clusters"][0]["status"])
