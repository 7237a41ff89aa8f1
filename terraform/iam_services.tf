# Which services the function may look at and change, when they are too many for the inline policy of iam.tf: customer
# managed policies that name each of them as exactly.

locals {
  # A role's inline policies may have 10,240 characters in all; what is no list takes some 2,500 of them. Above 5,000 in
  # these lists the services move here. The lists of roles and keys are not counted: when they are made by the same apply
  # a plan does not know them, and must still know how many policies there are.
  listed = length(jsonencode(concat(
    local.own_services, local.acted_services, local.own_services_short, local.acted_services_short,
    local.own_clusters, local.own_clusters, local.own_clusters, local.own_clusters, local.own_tasks, local.stopped_tasks, local.held_services, local.own_deployments, local.drained_groups,
    local.parked_targets, local.roles, local.read_parameters,
  )))
  services_inline = local.listed <= 5000

  # A managed policy may have 6,144 characters, 400 of them around the ARNs, and a role ten of them. They are cut by the
  # longest ARN, quotes and comma included. With short ARNs a service has two, and may bring its cluster.
  longest_service = max(1, [for arn in local.own_services : length(arn)]...)
  per_policy      = max(1, floor((6144 - 400) / ((var.short_service_arns ? 3 : 1) * (local.longest_service + 3))))
  service_parts = local.services_inline ? {} : { for i, arns in chunklist(sort(local.own_services), local.per_policy) : format("services-%02d", i + 1) => {
    clusters = distinct([for arn in arns : join("/", slice(split("/", replace(arn, ":service/", ":cluster/")), 0, 2))])
    acted    = setintersection(arns, local.acted_services)
    observed = setsubtract(arns, local.acted_services)
  } }
}

resource "aws_iam_policy" "services" {
  for_each = local.service_parts

  name        = "${var.name}-${each.key}"
  description = "Services that Backstop's Lambda function ${var.name} guards"
  policy      = data.aws_iam_policy_document.services[each.key].json
  tags        = var.tags

  lifecycle {
    precondition {
      condition     = length(jsonencode(jsondecode(data.aws_iam_policy_document.services[each.key].json))) <= 6144
      error_message = "The policy ${var.name}-${each.key} has ${length(jsonencode(jsondecode(data.aws_iam_policy_document.services[each.key].json)))} characters, IAM takes 6,144."
    }
  }
}

resource "aws_iam_role_policy_attachment" "services" {
  for_each = local.service_parts

  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.services[each.key].arn
}

data "aws_iam_policy_document" "services" {
  for_each = local.service_parts

  dynamic "statement" {
    for_each = { for sid, part in {
      SetDesiredCount  = { actions = ["ecs:DescribeServices", "ecs:UpdateService"], services = each.value.acted }
      DescribeServices = { actions = ["ecs:DescribeServices"], services = each.value.observed }
    } : sid => part if length(part.services) > 0 }
    content {
      sid     = statement.key
      actions = statement.value.actions
      resources = concat(
        tolist(statement.value.services),
        var.short_service_arns ? [for arn in statement.value.services : "${split("/", arn)[0]}/${split("/", arn)[2]}"] : [],
      )
      dynamic "condition" {
        for_each = var.short_service_arns ? [1] : [] # a long ARN names the cluster itself
        content {
          test     = "ArnEquals"
          variable = "ecs:cluster"
          values   = each.value.clusters
        }
      }
    }
  }
}
