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

# A throttled invocation is a pass that is not made, or events that wait. One may happen when a version is checked.
resource "aws_cloudwatch_metric_alarm" "throttles" {
  alarm_name          = "${var.name}-throttles"
  alarm_description   = "Lambda refuses to run the function in 3 of 5 minutes: the account or the function is out of concurrency. See docs/operations.md, \"The function is throttled\"."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = aws_lambda_function.backstop.function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
  tags                = var.tags
}

# An invocation that waits for ECS to replace warned tasks takes up to half a minute, once. One pass after another does
# so when AWS answers slowly; the workloads for which the time does not do are left out.
resource "aws_cloudwatch_metric_alarm" "duration" {
  alarm_name          = "${var.name}-duration"
  alarm_description   = "Invocations take more than half of the time-out of ${var.timeout_seconds} s: AWS answers slowly, or there are too many workloads. See docs/operations.md, \"The function is slow\"."
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = aws_lambda_function.backstop.function_name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 500 * var.timeout_seconds # milliseconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
  tags                = var.tags
}

# One failed invocation gives its events back after the visibility time-out (six minutes), which makes them that old for
# a minute or two; that is not worth a call.
resource "aws_cloudwatch_metric_alarm" "queue" {
  alarm_name          = "${var.name}-queue-old"
  alarm_description   = "For 3 minutes the oldest event in the queue has been older than 5 minutes: warnings arrive too late. See docs/operations.md, \"Events wait in the queue\"."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.events.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  threshold           = 300
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
  tags                = var.tags
}

# The dead man's switch: the schedule reaches the function, and an invocation succeeds. Both are asked, as events alone
# keep a function busy whose schedule is disabled, deleted or not permitted: then nobody looks unless something happens.
# An invocation that the function's permission refuses is one of EventBridge's Invocations, and one of its
# FailedInvocations. Metric math takes what has no data for 0 where another metric has some, and the queue, which Lambda
# polls all the time, has in every minute: so there is a value even when all the rest is silent. FILL is not needed for
# that, and takes a metric that is late for 0.
#
# Quiet at the first apply: six minutes must have passed with data and without a pass, and until there is data the state
# is kept ("ignore"), as it is should the queue fall silent too. Where a schedule never worked it still fires.
resource "aws_cloudwatch_metric_alarm" "heartbeat" {
  alarm_name          = "${var.name}-no-pass"
  alarm_description   = "For 6 minutes the schedule has not reached the function, or no pass has succeeded: nobody is guarding. See docs/operations.md, \"No pass for 6 minutes\"."
  evaluation_periods  = 6
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "ignore"
  alarm_actions       = local.notify
  ok_actions          = local.notify
  tags                = var.tags

  metric_query {
    id          = "guarded"
    expression  = "(scheduled > refused AND invocations > errors) + 0 * polled"
    label       = "The schedule reached the function, and an invocation succeeded"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      scheduled   = { namespace = "AWS/Events", name = "Invocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule.name } }
      refused     = { namespace = "AWS/Events", name = "FailedInvocations", dimensions = { RuleName = aws_cloudwatch_event_rule.schedule.name } }
      invocations = { namespace = "AWS/Lambda", name = "Invocations", dimensions = { FunctionName = aws_lambda_function.backstop.function_name } }
      errors      = { namespace = "AWS/Lambda", name = "Errors", dimensions = { FunctionName = aws_lambda_function.backstop.function_name } }
      polled      = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = aws_sqs_queue.events.name } }
    }
    content {
      id = metric_query.key
      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = 60
      }
    }
  }
}
