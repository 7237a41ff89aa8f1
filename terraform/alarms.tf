# What must wake somebody. Notices tell what Backstop did; these tell when Backstop itself, or Spot, is in trouble.

locals {
  namespace = "Fargate/Failover"
  notify    = concat([aws_sns_topic.notices.arn], var.alarm_actions)
  watched   = var.metrics && var.workload_alarms ? toset(var.workloads[*].name) : toset([])
}

resource "aws_cloudwatch_metric_alarm" "health" {
  for_each = local.watched

  alarm_name          = "${var.name}-${each.key}-spot-health-low"
  alarm_description   = "${each.key}: the Spot health score has been below 30 for 10 minutes. See docs/operations.md, \"Spot is bad\"."
  namespace           = local.namespace
  metric_name         = "SpotHealthScore"
  dimensions          = { ServiceName = each.key }
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 2
  threshold           = 30
  comparison_operator = "LessThanThreshold"
  # No score says nothing about Spot: that nobody looks is the alarm "no-pass".
  treat_missing_data = "missing"
  alarm_actions      = local.notify
  ok_actions         = local.notify
  tags               = var.tags
}

resource "aws_cloudwatch_metric_alarm" "missing" {
  for_each = local.watched

  alarm_name          = "${var.name}-${each.key}-missing"
  alarm_description   = "${each.key}: for 5 minutes fewer tasks have been in service than are wanted. `backstop explain ${each.key}` says why and what would change it."
  namespace           = local.namespace
  metric_name         = "Missing"
  dimensions          = { ServiceName = each.key }
  statistic           = "Minimum"
  period              = 60
  evaluation_periods  = 5
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  # What cannot be read is not missing: a notice tells of it, and the alarm "no-pass" that nobody looks.
  treat_missing_data = "missing"
  alarm_actions      = local.notify
  ok_actions         = local.notify
  tags               = var.tags
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "Events that could not be read or delivered are in the dead-letter queue. See docs/operations.md, \"Empty the dead-letter queue\"."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # SQS stops reporting on a queue that is idle for hours
  alarm_actions       = local.notify
  ok_actions          = local.notify
  tags                = var.tags
}

# One failed invocation heals with the next; two of three spells of five minutes do not.
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "The function fails again and again. Its log says why: ${local.log_group_name}. See docs/operations.md, \"The function fails\"."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.backstop.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
  tags                = var.tags
}

# The dead man's switch: the schedule reaches the function, and an invocation succeeds. Both are asked, as events alone
# keep a function busy whose schedule is disabled, deleted or not permitted: then nobody looks unless something happens.
# An invocation that the function's permission refuses is one of EventBridge's Invocations, and one of its
# FailedInvocations. No data is none, which is said by FILL: CloudWatch takes some periods to believe that data is missing.
resource "aws_cloudwatch_metric_alarm" "heartbeat" {
  alarm_name          = "${var.name}-no-pass"
  alarm_description   = "For 5 minutes the schedule has not reached the function, or no pass has succeeded: nobody is guarding. See docs/operations.md, \"No pass for 5 minutes\"."
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
  tags                = var.tags

  metric_query {
    id          = "guarded"
    expression  = "(FILL(scheduled, 0) > FILL(refused, 0) AND FILL(invocations, 0) > FILL(errors, 0))"
    label       = "The schedule reached the function, and an invocation succeeded"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      scheduled   = { namespace = "AWS/Events", name = "Invocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule.name } }
      refused     = { namespace = "AWS/Events", name = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule.name } }
      invocations = { namespace = "AWS/Lambda", name = "Invocations", dimensions = { FunctionName = aws_lambda_function.backstop.function_name } }
      errors      = { namespace = "AWS/Lambda", name = "Errors", dimensions = { FunctionName = aws_lambda_function.backstop.function_name } }
    }
    content {
      id = metric_query.key
      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = 300
      }
    }
  }
}
