output "function_name" {
  description = "Name of the Lambda function."
  value       = aws_lambda_function.backstop.function_name
}

output "function_arn" {
  description = "ARN of the Lambda function."
  value       = aws_lambda_function.backstop.arn
}

output "alias_arn" {
  description = "ARN of the alias that guards: what the schedule and the queue invoke."
  value       = aws_lambda_alias.live.arn
}

output "role_arn" {
  description = "ARN of the function's role. Roles in other accounts (role_arn of a pool) must trust it."
  value       = aws_iam_role.function.arn
}

output "role_name" {
  description = "Name of the function's role."
  value       = aws_iam_role.function.name
}

output "policy" {
  description = "What that role may do, as JSON: the statements of all its policies in one."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = flatten([
      for p in concat([data.aws_iam_policy_document.function, data.aws_iam_policy_document.key_and_bucket], [for name, document in data.aws_iam_policy_document.services : document if name != "inline"]) :
      jsondecode(p.json).Statement
    ])
  })
}

output "table_name" {
  description = "Name of the DynamoDB table. `backstop` on your machine reads it: state: {dynamodb: NAME}."
  value       = aws_dynamodb_table.state.name
}

output "topic_arn" {
  description = "ARN of the SNS topic of notices and alarms."
  value       = aws_sns_topic.notices.arn
}

output "queue_url" {
  description = "URL of the queue that the rules feed."
  value       = aws_sqs_queue.events.url
}

output "event_bus_arn" {
  description = "ARN of the bus on which events arrive: event_bus_arn of modules/forward in other regions and accounts."
  value       = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/default"
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue."
  value       = aws_sqs_queue.dead.url
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = aws_cloudwatch_log_group.function.name
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard; null without one."
  value       = one(aws_cloudwatch_dashboard.backstop[*].dashboard_name)
}

output "alarm_names" {
  description = "Names of all alarms."
  value = concat(
    [for a in aws_cloudwatch_metric_alarm.health : a.alarm_name],
    [for a in aws_cloudwatch_metric_alarm.missing : a.alarm_name],
    [
      aws_cloudwatch_metric_alarm.dead.alarm_name,
      aws_cloudwatch_metric_alarm.duration.alarm_name,
      aws_cloudwatch_metric_alarm.errors.alarm_name,
      aws_cloudwatch_metric_alarm.heartbeat.alarm_name,
      aws_cloudwatch_metric_alarm.queue.alarm_name,
      aws_cloudwatch_metric_alarm.throttles.alarm_name,
    ],
  )
}

output "config_yaml" {
  description = "The generated backstop.yaml. `terraform output -raw config_yaml` gives the CLI the same configuration as the function."
  value       = local.config_yaml
}

output "event_patterns" {
  description = "The pattern of every EventBridge rule, as JSON, by the rule's name."
  value       = { for name, rule in local.rules : name => jsonencode(rule.pattern) }
}
