# From another region or account to the guard: ECS's events of the guarded services go to the guard's own default bus,
# whose rules (events.tf of the module backstop) have the pools' ARNs already. An event that was forwarded keeps its
# account, region and resources.
#
# What is not delivered is lost after a day of trying: the guard looks at every pool each minute anyway.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  prefix    = "arn:${local.partition}:ecs:${local.region}:${local.account}"
  role_name = "${var.name}-forward-${local.region}"

  names    = [for s in var.services : { cluster = startswith(s.cluster, "arn:") ? split("/", s.cluster)[1] : s.cluster, service = s.service }]
  clusters = { for c in distinct(local.names[*].cluster) : c => sort(distinct([for s in local.names : s.service if s.cluster == c])) }
  groups = merge([for cluster, services in local.clusters : {
    for i, part in chunklist(services, var.services_per_rule) : "${var.name}-forward-${substr(sha1(cluster), 0, 8)}-${i}" => {
      cluster = cluster
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change", "ECS Service Action", "ECS Deployment State Change"]
        # Tasks say their cluster and service, the others their service's ARN.
        "$or" = [
          { detail = { clusterArn = ["${local.prefix}:cluster/${cluster}"], group = [for s in part : "service:${s}"] } },
          { resources = concat([for s in part : "${local.prefix}:service/${cluster}/${s}"], var.short_service_arns ? [for s in part : "${local.prefix}:service/${s}"] : []) },
        ]
      }
    }
  }]...)
}

resource "aws_cloudwatch_event_rule" "events" {
  for_each = local.groups

  name          = each.key
  description   = "ECS events of services in ${each.value.cluster}, for Backstop."
  event_pattern = jsonencode(each.value.pattern)
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(jsonencode(each.value.pattern)) <= 2048
      error_message = "The pattern of ${each.key} has ${length(jsonencode(each.value.pattern))} characters, EventBridge takes 2,048: lower services_per_rule."
    }
  }
}

resource "aws_cloudwatch_event_target" "bus" {
  for_each = local.groups

  rule      = aws_cloudwatch_event_rule.events[each.key].name
  target_id = "bus"
  arn       = var.event_bus_arn
  role_arn  = aws_iam_role.forward.arn
}

# EventBridge assumes it for these rules alone.
data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:events:${local.region}:${local.account}:rule/${var.name}-forward-*"]
    }
  }
}

data "aws_iam_policy_document" "forward" {
  statement {
    sid       = "Forward"
    actions   = ["events:PutEvents"]
    resources = [var.event_bus_arn]
  }
}

resource "aws_iam_role" "forward" {
  name                 = local.role_name
  description          = "Lets EventBridge forward ECS events of ${local.region} to Backstop"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "forward" {
  name   = "forward"
  role   = aws_iam_role.forward.name
  policy = data.aws_iam_policy_document.forward.json
}
