# Which services the function may look at and change, each by its name: in the inline policy of iam.tf, or, when they are
# too many for it, in customer managed policies.

locals {
  # ecs:UpdateService has no way to allow the count alone. But each of these keys is in a request that sets the parameter it
  # is named after, and a condition can ask for its absence. ecs:task-cpu and ecs:task-memory are not here: no parameter of
  # the request sets them, they follow from the task definition. docs/iam.md says what has no key.
  count_only_keys = var.count_only ? [
    "ecs:auto-assign-public-ip", "ecs:capacity-provider", "ecs:enable-ebs-volumes", "ecs:enable-ecs-managed-tags", "ecs:enable-execute-command",
    "ecs:enable-service-connect", "ecs:enable-vpc-lattice", "ecs:namespace", "ecs:propagate-tags", "ecs:subnet", "ecs:task-definition",
  ] : []

  # A role's inline policies may have 10,240 characters in all; what is no list takes some 3,300 of them. Above 4,500 in
  # these lists the services move to managed policies. The lists of roles, groups, targets and keys are not counted: when they
  # are made by the same apply a plan does not know them, and must still know how many policies there are.
  services_inline = length(jsonencode(concat(
    flatten([for i in range(local.copies) : local.own_services]), local.synced_services,
    local.own_clusters, local.own_clusters, local.own_clusters, local.own_tasks, local.stopped_tasks, local.own_deployments, local.read_parameters,
    local.retried_definitions, local.retried_clusters, local.retried_clusters, local.retried_tasks, local.retried_tasks,
  ))) <= 4500

  # A managed policy may have 6,144 characters, 800 of them around the ARNs (1,250 with the statement for the sync), and a role
  # ten of them. They are cut by the longest ARN, quotes and comma included.
  copies          = var.short_service_arns ? 5 : 1 # a short ARN beside each, which may bring its cluster, and both again for the tag
  longest_service = max(1, [for arn in local.own_services : length(arn)]...)
  syncing         = length(local.synced_services) > 0 && var.count_only
  per_policy      = max(1, floor((6144 - (local.syncing ? 1250 : 800)) / ((local.copies + (local.syncing ? (var.short_service_arns ? 2 : 1) : 0)) * (local.longest_service + 3))))

  service_chunks = local.services_inline ? { inline = local.own_services } : {
    for i, arns in chunklist(sort(local.own_services), local.per_policy) : format("services-%02d", i + 1) => arns
  }
  # Old service ARNs carry no cluster; the condition on ecs:cluster still holds them to it.
  service_parts = { for name, arns in local.service_chunks : name => {
    clusters = distinct([for arn in arns : join("/", slice(split("/", replace(arn, ":service/", ":cluster/")), 0, 2))])
    services = { for use, of in {
      acted    = setintersection(arns, local.acted_services)
      observed = setsubtract(arns, local.acted_services)
      synced   = local.syncing ? setintersection(arns, local.synced_services) : []
    } : use => concat(tolist(of), var.short_service_arns ? [for arn in of : "${split("/", arn)[0]}/${split("/", arn)[2]}"] : []) }
  } if length(arns) > 0 }
  managed_parts = { for name, part in local.service_parts : name => part if name != "inline" }
}

resource "aws_iam_policy" "services" {
  for_each = local.managed_parts

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
  for_each = local.managed_parts

  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.services[each.key].arn
}

data "aws_iam_policy_document" "services" {
  for_each = local.service_parts

  dynamic "statement" {
    for_each = { for sid, part in {
      DescribeServices = { actions = ["ecs:DescribeServices"], services = each.value.services.observed, absent = [], present = [], tags = false }
      # With the tag that holds what is wanted while a count is held down: that tag and no other.
      SetDesiredCount = {
        actions  = concat(["ecs:DescribeServices", "ecs:UpdateService"], var.short_service_arns ? [] : ["ecs:TagResource", "ecs:UntagResource"])
        services = each.value.services.acted, absent = local.count_only_keys, present = [], tags = !var.short_service_arns
      }
      # Tagging knows no condition on the cluster, to which a short ARN would have to be held.
      HoldDemand = { actions = ["ecs:TagResource", "ecs:UntagResource"], services = var.short_service_arns ? each.value.services.acted : [], absent = [], present = [], tags = true }
      # Only with sync_task_definition, and with PassTaskRoles.
      SyncTaskDefinition = {
        actions  = ["ecs:UpdateService"]
        services = each.value.services.synced, absent = setsubtract(local.count_only_keys, ["ecs:task-definition"]), present = ["ecs:task-definition"], tags = false
      }
    } : sid => part if length(part.services) > 0 }
    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = statement.value.services
      dynamic "condition" {
        for_each = concat([for key in statement.value.absent : { key = key, absent = "true" }], [for key in statement.value.present : { key = key, absent = "false" }])
        content {
          test     = "Null"
          variable = condition.value.key
          values   = [condition.value.absent]
        }
      }
      dynamic "condition" {
        for_each = statement.value.tags ? [1] : []
        content {
          test     = "ForAllValues:StringEquals"
          variable = "aws:TagKeys"
          values   = ["backstop:demand"]
        }
      }
      dynamic "condition" {
        for_each = var.short_service_arns && statement.key != "HoldDemand" ? [1] : [] # a long ARN names the cluster itself
        content {
          test     = "ArnEquals"
          variable = "ecs:cluster"
          values   = each.value.clusters
        }
      }
    }
  }
}
