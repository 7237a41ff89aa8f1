# The schedule and the queue invoke the alias, not the newest version. A new version (another program, another time-out,
# another configuration's digest) is asked first whether it can guard: whether it starts, reads its configuration, every
# state (a newer one is refused) and every service. If it cannot, the apply ends here, the alias stays, and the version
# before goes on guarding.

resource "aws_lambda_invocation" "check" {
  count = var.reserved_concurrency == 0 ? 0 : 1 # a function that is stopped cannot be asked

  function_name = aws_lambda_function.backstop.function_name
  qualifier     = aws_lambda_function.backstop.version # another one replaces this resource, which asks again
  input         = jsonencode({ backstop = "check" })

  depends_on = [aws_dynamodb_table.state, aws_iam_role_policy.function]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "The version that guards."
  function_name    = aws_lambda_function.backstop.function_name
  function_version = aws_lambda_function.backstop.version

  depends_on = [aws_lambda_invocation.check]
}

# Destroyed before everything else, as it depends on it all: the provider invokes the function then, which refuses while
# on-demand stands in for Spot, or while the table cannot be deleted (docs/operations.md, "Uninstall").
resource "aws_lambda_invocation" "destroy" {
  function_name   = aws_lambda_function.backstop.function_name
  qualifier       = aws_lambda_alias.live.name
  lifecycle_scope = "CRUD"
  input           = jsonencode({ backstop = "destroy", protected = var.deletion_protection })

  depends_on = [
    aws_cloudwatch_dashboard.backstop,
    aws_cloudwatch_event_permission.forward,
    aws_cloudwatch_event_rule.events,
    aws_cloudwatch_event_rule.schedule,
    aws_cloudwatch_event_target.events,
    aws_cloudwatch_event_target.schedule,
    aws_cloudwatch_log_group.function,
    aws_cloudwatch_metric_alarm.dead,
    aws_cloudwatch_metric_alarm.duration,
    aws_cloudwatch_metric_alarm.errors,
    aws_cloudwatch_metric_alarm.health,
    aws_cloudwatch_metric_alarm.heartbeat,
    aws_cloudwatch_metric_alarm.missing,
    aws_cloudwatch_metric_alarm.queue,
    aws_cloudwatch_metric_alarm.throttles,
    aws_dynamodb_table.state,
    aws_kms_alias.topic,
    aws_kms_key.topic,
    aws_lambda_alias.live,
    aws_lambda_event_source_mapping.events,
    aws_lambda_function.backstop,
    aws_lambda_function_event_invoke_config.backstop,
    aws_lambda_invocation.check,
    aws_lambda_permission.schedule,
    aws_s3_object.config,
    aws_sns_topic.notices,
    aws_sns_topic_policy.notices,
    aws_sns_topic_subscription.notices,
    aws_sqs_queue.dead,
    aws_sqs_queue.events,
    aws_sqs_queue_policy.dead,
    aws_sqs_queue_policy.events,
    aws_sqs_queue_redrive_allow_policy.dead,
    aws_ssm_parameter.config,
  ]
}
