# EventBridge Scheduler may deliver an invocation more than once. The scheduled time names the run, so that a second execution starts no second task
# where ECS had room at the first one's first call (docs/workflows.md).

locals {
  schedules = var.schedule == null ? {} : { schedule = var.schedule }
}

resource "aws_scheduler_schedule" "run" {
  for_each = local.schedules

  name                         = var.name
  description                  = "Starts the state machine ${var.name}"
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  state                        = each.value.enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode                      = each.value.window_minutes > 0 ? "FLEXIBLE" : "OFF"
    maximum_window_in_minutes = each.value.window_minutes > 0 ? each.value.window_minutes : null
  }

  target {
    arn      = aws_sfn_state_machine.run.arn
    role_arn = aws_iam_role.schedule[each.key].arn
    # jsonencode writes < and > as \u003c and \u003e, in which Scheduler does not see its keyword.
    input = replace(replace(jsonencode(merge(each.value.input, { run = "<aws.scheduler.scheduled-time>" })), "\\u003c", "<"), "\\u003e", ">")
  }
}

data "aws_iam_policy_document" "schedule_assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/default"]
    }
  }
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartExecution"
    actions   = ["states:StartExecution"]
    resources = [local.machine_arn]
  }
}

resource "aws_iam_role" "schedule" {
  for_each = local.schedules

  name                 = "${var.name}-schedule"
  description          = "Lets EventBridge Scheduler start the state machine ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.schedule_assume.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "schedule" {
  for_each = local.schedules

  name   = "start-execution"
  role   = aws_iam_role.schedule[each.key].name
  policy = data.aws_iam_policy_document.schedule.json
}
