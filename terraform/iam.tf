# What the function may do: exact actions on exact resources. docs/iam.md has every action with its reason; a test keeps
# the two, and the calls that the code makes, in step.

locals {
  # Services that the function's own role reaches. Pools with a role_arn are reached through that role, which is yours
  # to make (docs/iam.md, "Pools in another account").
  own_pools    = [for p in local.pools : p if p.role_arn == null]
  acted_pools  = [for p in local.own_pools : p if !p.observed]
  synced_pools = [for p in local.acted_pools : p if p.syncs]

  own_clusters = distinct([for p in local.own_pools : "arn:${local.partition}:ecs:${p.region}:${p.account}:cluster/${p.cluster}"])

  own_services    = distinct([for p in local.own_pools : "arn:${local.partition}:ecs:${p.region}:${p.account}:service/${p.cluster}/${p.service}"])
  acted_services  = distinct([for p in local.acted_pools : "arn:${local.partition}:ecs:${p.region}:${p.account}:service/${p.cluster}/${p.service}"])
  synced_services = distinct([for p in local.synced_pools : "arn:${local.partition}:ecs:${p.region}:${p.account}:service/${p.cluster}/${p.service}"])

  own_tasks     = distinct([for p in local.own_pools : "arn:${local.partition}:ecs:${p.region}:${p.account}:task/${p.cluster}/*"])
  stopped_tasks = var.stop_late_tasks ? distinct([for p in local.acted_pools : "arn:${local.partition}:ecs:${p.region}:${p.account}:task/${p.cluster}/*"]) : []

  # By region and account: the policy has no room to name every cluster again, and this only reads.
  own_deployments = distinct(flatten([for p in local.own_pools : [for kind in ["service", "service-deployment"] : "arn:${local.partition}:ecs:${p.region}:${p.account}:${kind}/*"]]))

  drained_groups = anytrue(local.acted_pools[*].drains) ? var.target_group_arns : []
  parked_targets = anytrue(local.acted_pools[*].parks) ? coalesce(var.scalable_target_arns, []) : []
  roles          = distinct(compact(local.pools[*].role_arn))
  tagged_roles   = distinct([for p in local.pools : p.role_arn if p.role_arn != null && p.tagged])

  secret_parameters = [for s in compact(concat(var.slack_secrets, var.webhooks[*].url, var.webhooks[*].signing_secret)) : "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${trimprefix(s, "ssm:")}"]
  config_parameter  = "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${local.parameter_name}"
  read_parameters   = concat(local.config_in_s3 ? [] : [local.config_parameter], local.secret_parameters)
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name                 = var.name
  description          = "Backstop's Lambda function ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  lifecycle {
    precondition {
      condition     = length(local.managed_parts) <= 10
      error_message = "Naming ${length(local.own_services)} services takes ${length(local.managed_parts)} managed policies of ${local.per_policy} services each, and IAM attaches 10 to a role: divide the workloads among several installations, each with a name of its own."
    }
  }
}

# IAM counts characters without white space, hence jsonencode(jsondecode()).
resource "aws_iam_role_policy" "function" {
  name   = "backstop"
  role   = aws_iam_role.function.name
  policy = data.aws_iam_policy_document.function.json

  # What moves from one policy to another is granted there before it is taken away here.
  depends_on = [aws_iam_role_policy.key_and_bucket, aws_iam_role_policy_attachment.services]

  lifecycle {
    precondition {
      condition     = length(jsonencode(jsondecode(data.aws_iam_policy_document.function.json))) <= 10240 - 500 # for key_and_bucket
      error_message = "The function's inline policy has ${length(jsonencode(jsondecode(data.aws_iam_policy_document.function.json)))} characters, IAM leaves it 9,740: guard fewer clusters with one installation, or name fewer roles, secrets and keys."
    }
  }
}

# Apart from the other, so that the plan shows the other, and measures it, when a key or bucket is still to be made.
resource "aws_iam_role_policy" "key_and_bucket" {
  name   = "backstop-key-and-bucket"
  role   = aws_iam_role.function.name
  policy = data.aws_iam_policy_document.key_and_bucket.json
}

data "aws_iam_policy_document" "function" {
  # Which services it may look at and change (iam_services.tf). Of many services they are managed policies instead.
  source_policy_documents = concat([for name, document in data.aws_iam_policy_document.services : document.json if name == "inline"], data.aws_iam_policy_document.tasks[*].json)

  # ---- looking ----

  # ListTasks knows no service or task as its resource: AWS's own examples hold it to a cluster by condition.
  statement {
    sid       = "ListTasks"
    actions   = ["ecs:ListTasks"]
    resources = ["*"]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = local.own_clusters
    }
  }

  # Task ARNs are not known beforehand and do not say their service.
  statement {
    sid       = "DescribeTasks"
    actions   = ["ecs:DescribeTasks", "ecs:GetTaskProtection"]
    resources = local.own_tasks
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = local.own_clusters
    }
  }

  # Deployments that shift traffic may wait for a person.
  statement {
    sid       = "ReadDeployments"
    actions   = ["ecs:DescribeServiceDeployments", "ecs:ListServiceDeployments"]
    resources = local.own_deployments
  }

  # None of these supports a resource: "*" is all that AWS takes.
  statement {
    sid = "ReadWithoutResource"
    actions = [
      "application-autoscaling:DescribeScalableTargets",
      "ecs:DescribeTaskDefinition",
      "elasticloadbalancing:DescribeListeners",
      "elasticloadbalancing:DescribeRules",
      "elasticloadbalancing:DescribeTargetGroups",
      "elasticloadbalancing:DescribeTargetHealth",
    ]
    resources = ["*"]
  }

  # ---- acting: none of these while everything is only observed, and each only with its feature ----

  # AWS makes up the id at the end of a scalable target's ARN, so it is given.
  dynamic "statement" {
    for_each = length(local.parked_targets) > 0 ? [1] : []
    content {
      sid       = "ParkScaling"
      actions   = ["application-autoscaling:RegisterScalableTarget"]
      resources = local.parked_targets
      condition {
        test     = "StringEquals"
        variable = "application-autoscaling:service-namespace"
        values   = ["ecs"]
      }
      condition {
        test     = "StringEquals"
        variable = "application-autoscaling:scalable-dimension"
        values   = ["ecs:service:DesiredCount"]
      }
    }
  }

  # Only for pools with drain = "late".
  dynamic "statement" {
    for_each = length(local.drained_groups) > 0 ? [1] : []
    content {
      sid       = "DrainTargets"
      actions   = ["elasticloadbalancing:DeregisterTargets"]
      resources = local.drained_groups
    }
  }

  # Tasks that are past twice their limit, so that ECS tries another.
  dynamic "statement" {
    for_each = length(local.stopped_tasks) > 0 ? [1] : []
    content {
      sid       = "StopLateTasks"
      actions   = ["ecs:StopTask"]
      resources = local.stopped_tasks
      condition {
        test     = "ArnEquals"
        variable = "ecs:cluster"
        values   = local.own_clusters
      }
    }
  }

  # Only with sync_task_definition.
  dynamic "statement" {
    for_each = length(local.synced_pools) > 0 ? [1] : []
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

  # Only for pools with a role_arn.
  dynamic "statement" {
    for_each = length(local.roles) > 0 ? [1] : []
    content {
      sid       = "AssumePoolRoles"
      actions   = ["sts:AssumeRole"]
      resources = local.roles
    }
  }

  # Only for pools with session_tags.
  dynamic "statement" {
    for_each = length(local.tagged_roles) > 0 ? [1] : []
    content {
      sid       = "TagPoolSessions"
      actions   = ["sts:TagSession"]
      resources = local.tagged_roles
    }
  }

  # ---- its own things ----

  # A commit is a transaction of puts, which AWS authorises as puts.
  statement {
    sid       = "State"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"]
    resources = [local.table_arn]
  }

  # Lambda polls the queue with the function's role.
  statement {
    sid       = "Events"
    actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = ["arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}"]
  }

  statement {
    sid       = "Notices"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]
  }

  dynamic "statement" {
    for_each = length(local.read_parameters) > 0 ? [1] : []
    content {
      sid       = "ReadParameters"
      actions   = ["ssm:GetParameter"]
      resources = local.read_parameters
    }
  }

  dynamic "statement" {
    for_each = length(var.secrets_kms_key_arns) > 0 ? [1] : []
    content {
      sid       = "DecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = var.secrets_kms_key_arns
    }
  }

  # Metrics go by the log (Embedded Metric Format): no cloudwatch:PutMetricData.
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${local.log_group_name}:*"]
  }
}

data "aws_iam_policy_document" "key_and_bucket" {
  statement {
    sid       = "EncryptNotices"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn == null ? aws_kms_key.topic[0].arn : var.kms_key_arn]
  }

  dynamic "statement" {
    for_each = local.config_in_s3 ? [1] : []
    content {
      sid       = "ReadConfiguration"
      actions   = ["s3:GetObject"]
      resources = ["arn:${local.partition}:s3:::${coalesce(var.config_bucket, "missing")}/${local.config_key}"]
    }
  }
}

# Both queues: EventBridge may send for our rules alone, and nobody talks to them in the clear. The rules are given by
# what their names begin with (events.tf): a queue's policy may have 8,192 bytes, less than the ARNs of all rules.
data "aws_iam_policy_document" "queue" {
  for_each = { for k, name in { events = var.name, dead = "${var.name}-dead" } : k => "arn:${local.partition}:sqs:${local.region}:${local.account}:${name}" }

  statement {
    sid       = "Rules"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [for kind in ["task", "action", "deployment"] : "arn:${local.partition}:events:${local.region}:${local.account}:rule/${var.name}-${kind}-*"]
    }
  }

  statement {
    sid       = "TLSOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [each.value]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

# The function publishes by its own role; alarms publish as CloudWatch.
data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

# A key's policy speaks of the key it is attached to, so "*" means that key alone.
data "aws_iam_policy_document" "topic_key" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "Alarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}
