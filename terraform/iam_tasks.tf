# What the function may do to tasks of no service: nothing, unless tasks names clusters and families.

locals {
  retried_clusters    = [for t in local.retried : "arn:${local.partition}:ecs:${local.region}:${local.account}:cluster/${t.cluster}"]
  retried_tasks       = [for t in local.retried : "arn:${local.partition}:ecs:${local.region}:${local.account}:task/${t.cluster}/*"]
  retried_definitions = distinct(flatten([for t in local.retried : [for f in t.families : "arn:${local.partition}:ecs:${local.region}:${local.account}:task-definition/${f}:*"]]))
  retried_roles       = distinct(flatten(local.retried[*].role_arns))
}

data "aws_iam_policy_document" "tasks" {
  count = length(local.retried) > 0 ? 1 : 0

  # With their tags, which events do not carry.
  statement {
    sid       = "ReadStoppedTasks"
    actions   = ["ecs:DescribeTasks"]
    resources = local.retried_tasks
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = local.retried_clusters
    }
  }

  statement {
    sid       = "StartTasksAgain"
    actions   = ["ecs:RunTask"]
    resources = local.retried_definitions
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = local.retried_clusters
    }
  }

  # A task gets its tags as it is started, and at no other time.
  statement {
    sid       = "TagStartedTasks"
    actions   = ["ecs:TagResource"]
    resources = local.retried_tasks
    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }

  dynamic "statement" {
    for_each = length(local.retried_roles) > 0 ? [1] : []
    content {
      sid       = "PassRolesOfTasks"
      actions   = ["iam:PassRole"]
      resources = local.retried_roles
      condition {
        test     = "StringEquals"
        variable = "iam:PassedToService"
        values   = ["ecs-tasks.amazonaws.com"]
      }
    }
  }
}
