# How many services, clusters and workloads one installation holds, by the limits of AWS that the stand-in provider does
# not know: a role's inline policies have 10,240 characters in all and a managed policy 6,144, without white space.
# internal/tfmodule measures the examples and tests/large the same way.

variables {
  lambda_zip      = "./tests/size.tftest.hcl" # any file
  config_bucket   = "config"
  workload_alarms = false
  dashboard       = false
  kms_key_arn     = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "few_services_are_in_the_inline_policy" {
  command = plan

  variables {
    workloads = [for i in range(15) : {
      name = "api-${i}"
      pools = [
        { name = "spot", cluster = "prod", service = "api-${i}-spot", capacity = "FARGATE_SPOT" },
        { name = "standard", cluster = "prod", service = "api-${i}-standard", capacity = "FARGATE" },
      ]
    }]
  }

  assert {
    condition     = length(aws_iam_policy.services) == 0 && length(aws_iam_role_policy_attachment.services) == 0
    error_message = "a managed policy is only for many services"
  }
  assert {
    condition     = length(jsonencode(jsondecode(aws_iam_role_policy.function.policy))) + length(jsonencode(jsondecode(aws_iam_role_policy.key_and_bucket.policy))) <= 10240
    error_message = "too long for IAM"
  }
}

run "many_services_are_in_managed_policies_by_name" {
  command = plan

  variables {
    workloads = [for i in range(60) : {
      name   = "api-${i}"
      policy = { observe = i < 3 }
      pools = [
        { name = "spot", cluster = "prod", service = "api-${i}-spot", capacity = "FARGATE_SPOT" },
        { name = "standard", cluster = "prod", service = "api-${i}-standard", capacity = "FARGATE" },
      ]
    }]
  }

  assert {
    condition     = length(aws_iam_policy.services) == 2 && length(aws_iam_role_policy_attachment.services) == 2
    error_message = "120 services with ARNs of 65 characters are two policies"
  }
  assert {
    condition     = alltrue([for p in aws_iam_policy.services : length(jsonencode(jsondecode(p.policy))) <= 6144])
    error_message = "too long for IAM"
  }
  assert {
    condition     = length(jsonencode(jsondecode(aws_iam_role_policy.function.policy))) + length(jsonencode(jsondecode(aws_iam_role_policy.key_and_bucket.policy))) <= 10240
    error_message = "too long for IAM"
  }
  assert {
    condition = toset(flatten([for s in jsondecode(output.policy).Statement : s.Resource if contains(s.Action, "ecs:UpdateService")])) == toset(flatten([
      for i in range(3, 60) : [for kind in ["spot", "standard"] : "arn:aws:ecs:us-east-1:123456789012:service/prod/api-${i}-${kind}"]
    ]))
    error_message = "it may change the services that it guards, each by its name, and not those that are observed"
  }
  assert {
    condition = toset(flatten([for s in jsondecode(output.policy).Statement : s.Resource if contains(s.Action, "ecs:DescribeServices")])) == toset(flatten([
      for i in range(60) : [for kind in ["spot", "standard"] : "arn:aws:ecs:us-east-1:123456789012:service/prod/api-${i}-${kind}"]
    ]))
    error_message = "and look at all of them"
  }
}

run "short_arns_are_held_to_their_clusters" {
  command = plan

  variables {
    short_service_arns = true
    workloads = [for i in range(20) : {
      name = "api-${i}"
      pools = [
        { name = "spot", cluster = "prod-${i}", service = "api-${i}-spot", capacity = "FARGATE_SPOT" },
        { name = "standard", cluster = "prod-0", service = "api-${i}-standard", capacity = "FARGATE" },
      ]
    }]
  }

  assert {
    condition     = length(aws_iam_policy.services) > 0 && alltrue([for p in aws_iam_policy.services : length(jsonencode(jsondecode(p.policy))) <= 6144])
    error_message = "too long for IAM"
  }
  assert {
    condition = alltrue(flatten([for p in aws_iam_policy.services : [for s in jsondecode(p.policy).Statement :
      toset(s.Condition.ArnEquals["ecs:cluster"]) == toset([for arn in s.Resource : "arn:aws:ecs:us-east-1:123456789012:cluster/${split("/", arn)[1]}" if length(split("/", arn)) == 3])
      if s.Sid != "HoldDemand" # tagging knows no such condition
    ]]))
    error_message = "a short ARN means that service in every cluster, so the clusters of the policy's own services must bound it"
  }
}

# Long names, so that few of them are too many: a plan of hundreds of services takes a quarter of a minute.
run "too_many_services_are_refused" {
  command = plan

  variables {
    services_per_rule = 3
    workloads = [for i in range(102) : {
      name = "api-${i}"
      pools = [for kind in ["spot", "standard"] : {
        name = kind, cluster = "prod", service = join("", concat(["api-${i}-${kind}-"], [for j in range(70) : "xyz"])), capacity = kind == "spot" ? "FARGATE_SPOT" : "FARGATE"
      }]
    }]
  }

  expect_failures = [aws_iam_role.function]
}

run "too_many_clusters_are_refused" {
  command = plan

  variables {
    workloads = [for i in range(20) : {
      name  = "api-${i}"
      pools = [{ name = "standard", cluster = join("", concat(["prod-${i}-"], [for j in range(40) : "xyz"])), service = "api", capacity = "FARGATE" }]
    }]
  }

  expect_failures = [aws_iam_role_policy.function]
}
