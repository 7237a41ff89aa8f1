"""A handler of the simplest kind: at a failed placement on-demand gets half of what Spot is asked for."""

import os

import boto3


def handler(event, context):
    ecs = boto3.client("ecs")
    cluster = os.environ["PRIMARY_SERVICE_ARN"].split("/")[1]
    if event["detail"]["eventName"] == "SERVICE_TASK_PLACEMENT_FAILURE":
        service = ecs.describe_services(cluster=cluster, services=[os.environ["PRIMARY_SERVICE_ARN"]])["services"][0]
        ecs.update_service(cluster=cluster, service=os.environ["FALLBACK_SERVICE_ARN"], desiredCount=service["desiredCount"] // 2)
    return {"done": True}
