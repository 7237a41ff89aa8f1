# A state machine that runs one ECS task: on Fargate Spot first, on demand where Spot has no room, starts it too slowly or interrupts it. It is the machine that
# `backstop run-task --asl` prints; machine.asl.json is made from the same code, and a test holds them together.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  ecs       = "arn:${local.partition}:ecs:${local.region}:${local.account}"

  cluster     = reverse(split("/", var.cluster))[0]
  cluster_arn = "${local.ecs}:cluster/${local.cluster}"
  tasks       = "${local.ecs}:task/${local.cluster}/*"
  # A family without a revision may be of any.
  definition = reverse(split("/", var.task_definition))[0]
  revisions  = "${local.ecs}:task-definition/${local.definition}${strcontains(local.definition, ":") ? "" : ":*"}"

  # What Step Functions asks of ECS has the API's names with a capital.
  network = { for k, v in {
    Subnets        = var.subnets
    SecurityGroups = length(var.security_groups) > 0 ? var.security_groups : null
    AssignPublicIp = var.assign_public_ip ? "ENABLED" : null
  } : k => v if v != null }

  settings = {
    Run = merge({
      Cluster              = var.cluster
      TaskDefinition       = var.task_definition
      NetworkConfiguration = { AwsvpcConfiguration = local.network }
    }, var.arguments)
    Pools = [for p in var.pools : { for k, v in {
      CapacityProviderStrategy = [{ CapacityProvider = p.capacity, Weight = 1 }]
      NetworkConfiguration     = p.subnets == null ? null : { AwsvpcConfiguration = merge(local.network, { Subnets = p.subnets }) }
    } : k => v if v != null }]
    StartWithin = var.start_within_seconds
    Retries     = var.retry_interrupted
    GiveUp      = var.give_up_seconds
    Poll        = var.start_within_seconds > 0 ? min(15, var.start_within_seconds) : 15
  }
  machine = replace(file("${path.module}/machine.asl.json"), "\"settings\": {}", "\"settings\": ${jsonencode(local.settings)}")

  # Worked out beforehand, as the role's trust policy names it.
  machine_arn = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${var.name}"
}

resource "aws_sfn_state_machine" "run" {
  name       = var.name
  role_arn   = aws_iam_role.run.arn
  definition = local.machine
  tags       = var.tags

  lifecycle {
    precondition {
      condition     = strcontains(local.machine, "\"Pools\":")
      error_message = "machine.asl.json is not that of this module."
    }
  }
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.machine_arn]
    }
  }
}

data "aws_iam_policy_document" "run" {
  statement {
    sid       = "RunTask"
    actions   = ["ecs:RunTask"]
    resources = [local.revisions]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [local.cluster_arn]
    }
  }
  statement {
    sid       = "TagWhatIsRun"
    actions   = ["ecs:TagResource"]
    resources = [local.tasks]
    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }
  statement {
    sid       = "LookAndStop"
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = [local.tasks]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [local.cluster_arn]
    }
  }
  statement {
    sid       = "ReadTaskDefinition"
    actions   = ["ecs:DescribeTaskDefinition"]
    resources = ["*"] # AWS supports no resource here
  }
  dynamic "statement" {
    for_each = length(var.task_role_arns) > 0 ? [1] : []
    content {
      sid       = "PassTaskRoles"
      actions   = ["iam:PassRole"]
      resources = var.task_role_arns
      condition {
        test     = "StringEquals"
        variable = "iam:PassedToService"
        values   = ["ecs-tasks.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role" "run" {
  name                 = "${var.name}-run-task"
  description          = "Lets the state machine ${var.name} run ECS tasks"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "run" {
  name   = "run-task"
  role   = aws_iam_role.run.name
  policy = data.aws_iam_policy_document.run.json
}
