# A nightly task that belongs to no service: on Fargate Spot, on demand where Spot has no room or interrupts it, and an alarm where it failed all the same.
# It needs no guard and no function.

module "nightly_report" {
  source = "../../../terraform/modules/run-task"

  name            = "nightly-report"
  cluster         = "jobs"
  task_definition = "report"
  subnets         = ["subnet-1", "subnet-2", "subnet-3"]
  security_groups = ["sg-1"]
  task_role_arns  = ["arn:aws:iam::123456789012:role/report", "arn:aws:iam::123456789012:role/ecs-execution"]

  start_within_seconds = 180
  retry_interrupted    = 3

  arguments = {
    Overrides = { ContainerOverrides = [{ Name = "report", Command = ["report", "--kind", "{% $states.input.kind %}"] }] }
  }
  schedule = { expression = "cron(0 3 * * ? *)", timezone = "Europe/Berlin", input = { kind = "full" } }
}

resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "nightly-report-failed"
  alarm_description   = "The nightly report was not made: look at the failed execution of the state machine nightly-report."
  namespace           = "AWS/States"
  metric_name         = "ExecutionsFailed"
  dimensions          = { StateMachineArn = module.nightly_report.state_machine_arn }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}

variable "alarm_topics" {
  description = "ARNs of the SNS topics that get the alarm."
  type        = list(string)
  default     = []
}
