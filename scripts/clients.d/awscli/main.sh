#!/usr/bin/env bash
# A script on the AWS CLI, either version, in $AWS: as python/main.py.
set -euo pipefail
name="$NAME"
network="awsvpcConfiguration={subnets=[subnet-a,subnet-b]}"
spot="capacityProvider=FARGATE_SPOT,weight=1"
export AWS_PAGER=

aws() { "$AWS" --output text "$@"; }
register() { # FAMILY IMAGE CPU [COMMAND]
  aws ecs register-task-definition --family "$1" --cpu "$3" --memory 512 --network-mode awsvpc --requires-compatibilities FARGATE \
    --container-definitions "[{\"name\": \"app\", \"image\": \"$2\", \"essential\": true, \"command\": ${4:-[]}}]" --query taskDefinition.status
}
run() { # TASK-DEFINITION
  aws ecs run-task --cluster "$name" --task-definition "$1" --capacity-provider-strategy "$spot" --network-configuration "$network" --query 'tasks[0].taskArn'
}
task() { # ARN QUERY
  aws ecs describe-tasks --cluster "$name" --tasks "$1" --query "tasks[0].$2"
}
refused() {
  "$@" 2>&1 >/dev/null | sed -nE 's/^.*An error occurred \((\w+)\) when calling the \w+ operation: (.*)$/\1: \2/p'
}

echo "account $(aws sts get-caller-identity --query Account)"
aws ecs create-cluster --cluster-name "$name" --capacity-providers FARGATE FARGATE_SPOT >/dev/null
echo "cluster $(aws ecs describe-clusters --clusters "$name" --query 'clusters[0].status')"

register "$name-app" app:1 256 >/dev/null
register "$name-app" app:1 256 '["sh", "-c", "sleep 900; exit 7"]' >/dev/null
definitions="$(aws ecs list-task-definitions --family-prefix "$name-app" --page-size 1 --query 'length(taskDefinitionArns)' --output json)"
# The CLI turns the pages by itself; --debug shows each request.
pages="$(aws ecs list-task-definitions --family-prefix "$name-app" --page-size 1 --debug 2>&1 >/dev/null | grep -c 'Making request for OperationModel(name=ListTaskDefinitions')"
echo "task definitions $definitions in $pages pages"

aws ecs create-service --cluster "$name" --service-name web --task-definition "$name-app:1" --desired-count 2 \
  --capacity-provider-strategy "$spot" --network-configuration "$network" >/dev/null
aws ecs wait services-stable --cluster "$name" --services web
read -r running desired deployments < <(aws ecs describe-services --cluster "$name" --services web --query 'services[0].[runningCount, desiredCount, length(deployments)]')
echo "service stable: $running of $desired tasks run, $deployments deployment"

job="$(run "$name-app:2")"
aws ecs wait tasks-running --cluster "$name" --tasks "$job"
echo "task $(task "$job" lastStatus) on $(task "$job" capacityProviderName)"
aws ecs wait tasks-stopped --cluster "$name" --tasks "$job"
echo "task $(task "$job" lastStatus): $(task "$job" stopCode), exit code $(task "$job" 'containers[0].exitCode')"

register "$name-broken" app:does-not-exist 256 >/dev/null
job="$(run "$name-broken")"
aws ecs wait tasks-stopped --cluster "$name" --tasks "$job"
reason="$(task "$job" stoppedReason)"
echo "task of a missing image $(task "$job" lastStatus): $(task "$job" stopCode), ${reason%%:*}"

refused aws ecs describe-services --cluster "$name-nowhere" --services web || true
refused aws ecs update-service --cluster "$name" --service nowhere --desired-count 1 || true
refused register "$name-large" app:1 300 || true

queue="$(aws sqs create-queue --queue-name "$name" --query QueueUrl)"
aws sqs send-message --queue-url "$queue" --message-body 'hello <b> & c' >/dev/null
echo "message $(aws sqs receive-message --queue-url "$queue" --wait-time-seconds 5 --query 'Messages[0].Body')"
aws sqs delete-queue --queue-url "$queue"

aws ecs delete-service --cluster "$name" --service web --force >/dev/null
aws ecs wait services-inactive --cluster "$name" --services web
echo "service $(aws ecs describe-services --cluster "$name" --services web --query 'services[0].status')"
aws ecs delete-cluster --cluster "$name" >/dev/null
echo "cluster $(aws ecs describe-clusters --clusters "$name" --query 'clusters[0].status')"
