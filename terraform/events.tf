# From ECS to the function. The patterns match what ECS sends (docs/operations.md, "Check that events arrive"): by exact
# ARN, as a "*" in a plain pattern value matches nothing but an asterisk. internal/eventpattern tests them.

locals {
  # What package ecsevent understands, by detail-type. Anything else would only cost an invocation.
  service_actions = [
    "CAPACITY_PROVIDER_STEADY_STATE",
    "ECS_OPERATION_THROTTLED",
    "SERVICE_DEPLOYMENT_COMPLETED",
    "SERVICE_DEPLOYMENT_FAILED",
    "SERVICE_DEPLOYMENT_IN_PROGRESS",
    "SERVICE_DESIRED_COUNT_UPDATED",
    "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY",
    "SERVICE_HEALTH_UNKNOWN",
    "SERVICE_REBALANCING_STOPPED",
    "SERVICE_STEADY_STATE",
    "SERVICE_TASK_CONFIGURATION_FAILURE",
    "SERVICE_TASK_PLACEMENT_FAILURE",
    "SERVICE_TASK_START_IMPAIRED",
    "TASKSET_STEADY_STATE",
    "TASKS_STOPPED",
    "VPC_LATTICE_TARGET_UNHEALTHY",
  ]
  deployment_changes = [
    "SERVICE_DEPLOYMENT_COMPLETED",
    "SERVICE_DEPLOYMENT_FAILED",
    "SERVICE_DEPLOYMENT_IN_PROGRESS",
  ]

  # Services by cluster, in groups small enough for a pattern's 2,048 characters. A group has one rule per detail-type.
  services_of_cluster = { for arn in distinct([for p in local.pools : "arn:${local.partition}:ecs:${p.region}:${p.account}:cluster/${p.cluster}"]) :
    arn => sort(distinct([for p in local.pools : p.service if "arn:${local.partition}:ecs:${p.region}:${p.account}:cluster/${p.cluster}" == arn]))
  }
  groups = merge([for arn, services in local.services_of_cluster : {
    for i, names in chunklist(services, var.services_per_rule) : "${substr(sha1(arn), 0, 8)}-${i}" => {
      cluster_arn = arn
      services    = names
      service_arns = concat(
        [for s in names : "${replace(arn, ":cluster/", ":service/")}/${s}"],
        # The form of services older than the account's opt-in to long ARNs. ECS keeps it until they are made anew.
        var.short_service_arns ? [for s in names : "${split(":cluster/", arn)[0]}:service/${s}"] : [],
      )
    }
  }]...)

  rules = merge(
    { for k, g in local.groups : "${var.name}-task-${k}" => {
      description = "Tasks of ${split("/", g.cluster_arn)[1]}: started, warned, stopping, stopped."
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change"]
        detail = {
          clusterArn = [g.cluster_arn]
          group      = [for s in g.services : "service:${s}"]
          # The two-minute warning has desiredStatus STOPPED and lastStatus RUNNING. What comes before RUNNING is left out.
          "$or" = [
            { desiredStatus = ["STOPPED"] },
            { lastStatus = ["RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"] },
          ]
        }
      }
    } },
    # Of tasks of no service only the stop counts. It also says what those cost that were started again.
    { for t in local.retried : "${var.name}-task-${substr(sha1(t.cluster), 0, 8)}-alone" => {
      description = "Tasks of no service in ${t.cluster}: stopped."
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change"]
        detail = {
          clusterArn = ["arn:${local.partition}:ecs:${local.region}:${local.account}:cluster/${t.cluster}"]
          group      = [{ anything-but = { prefix = "service:" } }]
          lastStatus = ["STOPPED"]
        }
      }
    } },
    { for k, g in local.groups : "${var.name}-action-${k}" => {
      description = "Services of ${split("/", g.cluster_arn)[1]}: no capacity, impaired, misconfigured, steady."
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Service Action"]
        resources   = g.service_arns
        detail      = { eventName = local.service_actions }
      }
    } },
    { for k, g in local.groups : "${var.name}-deployment-${k}" => {
      description = "Deployments of ${split("/", g.cluster_arn)[1]}: started, completed, failed."
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Deployment State Change"]
        resources   = g.service_arns
        detail      = { eventName = local.deployment_changes }
      }
    } },
  )
}

resource "aws_cloudwatch_event_rule" "events" {
  for_each = local.rules

  name          = each.key
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(jsonencode(each.value.pattern)) <= 2048
      error_message = "The pattern of ${each.key} has ${length(jsonencode(each.value.pattern))} characters, EventBridge takes 2,048: lower services_per_rule."
    }
  }
}

resource "aws_cloudwatch_event_target" "events" {
  for_each = local.rules

  rule      = each.key # not of the rule: Terraform would read all rules for each target, which takes seconds for hundreds
  target_id = "queue"
  arn       = aws_sqs_queue.events.arn

  # EventBridge tries for 24 hours (185 times) and then drops the event, unless it may leave it here.
  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }

  depends_on = [aws_cloudwatch_event_rule.events]
}

# Events of pools in other accounts come over this account's default bus (modules/forward sends them). One statement for
# each account is added to the bus's policy, and what others put there stays.
resource "aws_cloudwatch_event_permission" "forward" {
  for_each = setsubtract(local.pools[*].account, [local.account])

  principal    = each.key
  statement_id = "${var.name}-${each.key}"
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "${var.name}-schedule"
  description         = "A pass every minute, whatever events come."
  schedule_expression = "rate(1 minute)"
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  rule      = aws_cloudwatch_event_rule.schedule.name
  target_id = "function"
  arn       = aws_lambda_alias.live.arn

  # A late tick is worth nothing.
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 1
  }
}

resource "aws_lambda_permission" "schedule" {
  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.backstop.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule.arn
}

resource "aws_sqs_queue" "events" {
  name                    = var.name
  sqs_managed_sse_enabled = true
  # Lambda's own advice: six times the function's time-out, so that a batch under way is not delivered twice.
  visibility_timeout_seconds = 6 * var.timeout_seconds
  # An event of yesterday says nothing about Spot.
  message_retention_seconds = 4 * 3600
  receive_wait_time_seconds = 20
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
  tags = var.tags
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 14 * 24 * 3600
  tags                      = var.tags
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.events.arn]
  })
}

resource "aws_sqs_queue_policy" "events" {
  queue_url = aws_sqs_queue.events.url
  policy    = data.aws_iam_policy_document.queue["events"].json
}

resource "aws_sqs_queue_policy" "dead" {
  queue_url = aws_sqs_queue.dead.url
  policy    = data.aws_iam_policy_document.queue["dead"].json
}
