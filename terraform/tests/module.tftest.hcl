# What the module promises, checked on plans and one apply. test.sh runs it against the stand-in provider; against the
# real one it needs credentials, and the applied run makes (and destroys) resources.

variables {
  lambda_zip = "./tests/module.tftest.hcl" # any file

  workloads = [{
    name = "api"
    pools = [
      { name = "spot", cluster = "prod", service = "api-spot", capacity = "FARGATE_SPOT" },
      { name = "standard", cluster = "prod", service = "api-standard", capacity = "FARGATE" },
    ]
  }]
}

run "the_function_runs_the_bootstrap_on_arm64" {
  command = plan

  assert {
    condition     = aws_lambda_function.backstop.runtime == "provided.al2023" && aws_lambda_function.backstop.architectures == tolist(["arm64"])
    error_message = "the release builds one bootstrap: arm64 for provided.al2023"
  }
  assert {
    condition     = aws_lambda_function.backstop.environment[0].variables.BACKSTOP_CONFIG == "ssm:/backstop/backstop.yaml"
    error_message = "the function must be told where its configuration is"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.events.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "without it one bad message brings its whole batch back"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.events.maximum_batching_window_in_seconds == 0 && aws_lambda_event_source_mapping.events.batch_size == 10
    error_message = "a window delays the cover by itself; without one a batch has at most 10"
  }
  assert {
    condition     = aws_sqs_queue.events.visibility_timeout_seconds >= 6 * aws_lambda_function.backstop.timeout
    error_message = "Lambda wants six time-outs of visibility"
  }
}

run "a_version_proves_itself_before_it_guards" {
  command = plan

  assert {
    condition     = aws_lambda_function.backstop.publish && aws_lambda_function.backstop.reserved_concurrent_executions == 3
    error_message = "versions, and room of its own"
  }
  assert {
    condition     = jsondecode(aws_lambda_invocation.check[0].input).backstop == "check" && aws_lambda_alias.live.name == aws_lambda_permission.schedule.qualifier && aws_lambda_alias.live.name == aws_lambda_function_event_invoke_config.backstop.qualifier
    error_message = "the schedule may invoke the alias, which moves after the check"
  }
  assert {
    condition     = aws_lambda_invocation.destroy.lifecycle_scope == "CRUD" && jsondecode(aws_lambda_invocation.destroy.input) == { backstop = "destroy", protected = true }
    error_message = "destroying is asked for first"
  }
}

run "state_is_kept_and_only_the_journal_expires" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.state.hash_key == "pk" && aws_dynamodb_table.state.range_key == "sk" && toset(aws_dynamodb_table.state.attribute[*].type) == toset(["S"])
    error_message = "the table's keys are pk and sk, both strings"
  }
  assert {
    condition     = aws_dynamodb_table.state.ttl[0].attribute_name == "expires_at" && aws_dynamodb_table.state.ttl[0].enabled
    error_message = "journal rows expire by expires_at"
  }
  assert {
    condition     = aws_dynamodb_table.state.billing_mode == "PAY_PER_REQUEST" && aws_dynamodb_table.state.point_in_time_recovery[0].enabled && aws_dynamodb_table.state.deletion_protection_enabled
    error_message = "the state must survive mistakes"
  }
}

run "nobody_but_our_rules_may_send" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_event_rule.events) == 3
    error_message = "one rule each for tasks, service actions and deployments"
  }
  assert {
    condition     = alltrue([for t in aws_cloudwatch_event_target.events : length(t.dead_letter_config) == 1])
    error_message = "an event that cannot be delivered must not vanish"
  }
  assert {
    condition = alltrue([for p in [aws_sqs_queue_policy.events, aws_sqs_queue_policy.dead] : toset(flatten([for s in jsondecode(p.policy).Statement : values(s.Condition.ArnLike) if s.Effect == "Allow"])) == toset([
      for kind in ["task", "action", "deployment"] : "arn:aws:events:us-east-1:123456789012:rule/backstop-${kind}-*"
    ])])
    error_message = "and only they; not the schedule, which has no business with a queue"
  }
  assert {
    condition     = alltrue([for name in keys(aws_cloudwatch_event_rule.events) : can(regex("^backstop-(task|action|deployment)-[0-9a-f]{8}-[0-9]+$", name))])
    error_message = "the queues' policies know the rules by what their names begin with"
  }
  assert {
    condition     = aws_sqs_queue.events.sqs_managed_sse_enabled && aws_sqs_queue.dead.sqs_managed_sse_enabled
    error_message = "queues are encrypted"
  }
}

run "the_dashboard_shows_the_workload" {
  command = plan

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.backstop[0].dashboard_body).widgets) == 8
    error_message = "four graphs of Backstop's own and four of the workload"
  }
  assert {
    condition     = alltrue([for m in ["Demand", "InService", "SpotInService", "Missing", "SpotHealthScore", "FailoverActive", "CostSavingsToday", "m1 - m0"] : strcontains(aws_cloudwatch_dashboard.backstop[0].dashboard_body, "\"${m}\"")])
    error_message = "what is wanted, in service, missing, covered and saved"
  }
}

run "without_metrics_nothing_watches_them" {
  command = plan

  variables {
    metrics = false
  }

  assert {
    condition     = !yamldecode(output.config_yaml).metrics.emf
    error_message = "The function would write them all the same."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.health) == 0 && length(aws_cloudwatch_metric_alarm.missing) == 0
    error_message = "An alarm watches a metric that nobody writes."
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.backstop[0].dashboard_body).widgets) == 4
    error_message = "The dashboard shows more than the function itself."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.heartbeat.evaluation_periods == 6
    error_message = "That nobody guards must still be noticed."
  }
}

run "a_workload_acts_by_default" {
  command = plan

  assert {
    condition     = strcontains(output.policy, "ecs:UpdateService") && strcontains(output.policy, "ecs:StopTask")
    error_message = "the function must be able to set desired counts and stop late tasks"
  }
  assert {
    condition     = !strcontains(output.policy, "application-autoscaling:RegisterScalableTarget") && !strcontains(output.policy, "elasticloadbalancing:DeregisterTargets") && !strcontains(output.policy, "sts:TagSession") && !strcontains(output.policy, "iam:PassRole") && !strcontains(output.policy, "sts:AssumeRole") && !strcontains(output.policy, "s3:") && !strcontains(output.policy, "ecs:RunTask")
    error_message = "what no policy asks for must not be permitted"
  }
  assert {
    condition     = yamldecode(output.config_yaml).workloads[0].policy.preset == "fill"
    error_message = "the default preset is fill"
  }
  assert {
    condition = alltrue([for s in jsondecode(output.policy).Statement : alltrue([
      for key in ["task-definition", "capacity-provider", "subnet", "auto-assign-public-ip", "enable-execute-command", "namespace"] : s.Condition.Null["ecs:${key}"] == ["true"]
    ]) if contains(s.Action, "ecs:UpdateService")])
    error_message = "a request that sets anything else must not be allowed"
  }

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555" # known before the apply
  }
}

run "observing_cannot_act" {
  command = plan

  variables {
    observe     = true
    tasks       = [{ cluster = "jobs", families = ["report"], security_groups = ["sg-1"] }]
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = yamldecode(output.config_yaml).workloads[0].policy.observe == true
    error_message = "the configuration must say so"
  }
  assert {
    condition     = !strcontains(output.policy, "UpdateService") && !strcontains(output.policy, "RegisterScalableTarget") && !strcontains(output.policy, "StopTask") && !strcontains(output.policy, "RunTask") && !can(yamldecode(output.config_yaml).tasks)
    error_message = "and the role must not be able to"
  }
}

run "tasks_of_no_service_are_started_again_where_they_are_named" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    tasks       = [{ cluster = "jobs", families = ["report"], security_groups = ["sg-1"] }, { cluster = "night", families = ["a", "b"], security_groups = ["sg-2"], subnets = ["subnet-1"] }]
  }

  assert {
    condition     = strcontains(output.policy, "task-definition/report:*") && strcontains(output.policy, "RunTask") && !strcontains(output.policy, "PassRole")
    error_message = "families by their name, and no role that is not named"
  }
  assert {
    condition     = length([for name in keys(aws_cloudwatch_event_rule.events) : name if endswith(name, "-alone")]) == 2 && yamldecode(output.config_yaml).tasks[1].subnets == ["subnet-1"]
    error_message = "a rule for each cluster, and the configuration"
  }
}

run "every_task_definition_is_refused" {
  command = plan

  variables {
    tasks = [{ cluster = "jobs", families = ["*"], security_groups = ["sg-1"] }]
  }

  expect_failures = [var.tasks]
}

run "tasks_of_no_service_need_a_security_group" {
  command = plan

  variables {
    tasks = [{ cluster = "jobs", families = ["report"], security_groups = [] }]
  }

  expect_failures = [var.tasks]
}

run "tasks_of_no_service_have_a_subnet_or_the_lost_ones" {
  command = plan

  variables {
    tasks = [{ cluster = "jobs", families = ["report"], security_groups = ["sg-1"], subnets = [] }]
  }

  expect_failures = [var.tasks]
}

run "each_permission_goes_with_its_feature" {
  command = plan

  variables {
    kms_key_arn     = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    count_only      = false
    stop_late_tasks = false
    # Named, and of no use to anything that is switched on.
    target_group_arns    = ["arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/api/0123456789abcdef"]
    scalable_target_arns = ["arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/0ec51111222233334444555566667777"]
    task_role_arns       = ["arn:aws:iam::123456789012:role/api"]
    workloads = [{
      name   = "api"
      policy = { park_scaling = false }
      pools = [
        { name = "spot", cluster = "prod", service = "api-spot", capacity = "FARGATE_SPOT" },
        { name = "standard", cluster = "prod", service = "api-standard", capacity = "FARGATE" },
      ]
    }]
  }

  assert {
    condition     = !strcontains(output.policy, "StopTask") && !strcontains(output.policy, "RegisterScalableTarget") && !strcontains(output.policy, "DeregisterTargets") && !strcontains(output.policy, "PassRole")
    error_message = "what is switched off must not be permitted"
  }
  assert {
    condition     = !strcontains(output.policy, "\"Null\"") && strcontains(output.policy, "ecs:UpdateService")
    error_message = "without count_only there is no condition on what a request sets"
  }
}

run "only_the_acting_workload_may_be_changed" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    workloads = [
      {
        name   = "watched"
        policy = { preset = "observe" }
        pools = [
          { name = "spot", cluster = "prod", service = "watched-spot", capacity = "FARGATE_SPOT" },
          { name = "standard", cluster = "prod", service = "watched-standard", capacity = "FARGATE" },
        ]
      },
      {
        name = "guarded"
        pools = [
          { name = "spot", cluster = "prod", service = "guarded-spot", capacity = "FARGATE_SPOT" },
          { name = "standard", cluster = "prod", service = "guarded-standard", capacity = "FARGATE" },
        ]
      },
    ]
  }

  assert {
    condition = alltrue([for s in jsondecode(output.policy).Statement : toset(s.Resource) == toset([
      "arn:aws:ecs:us-east-1:123456789012:service/prod/guarded-spot",
      "arn:aws:ecs:us-east-1:123456789012:service/prod/guarded-standard",
    ]) if s.Sid == "SetDesiredCount"])
    error_message = "the observed workload's services must not be among those that may be changed"
  }
}

# What the alarms watch and when they fire is in testdata/alarms.json, on which internal/app/function plays outages.
run "everything_can_be_made" {
  command = apply

  variables {
    alarm_actions = ["arn:aws:sns:us-east-1:123456789012:pager"]
  }

  assert {
    condition = alltrue([for a in concat(
      values(aws_cloudwatch_metric_alarm.health), values(aws_cloudwatch_metric_alarm.missing),
      [aws_cloudwatch_metric_alarm.dead, aws_cloudwatch_metric_alarm.duration, aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.heartbeat, aws_cloudwatch_metric_alarm.queue, aws_cloudwatch_metric_alarm.throttles],
    ) : length(a.alarm_actions) == 2 && a.alarm_actions == a.ok_actions])
    error_message = "the topic and whoever is named besides hear of each alarm, and of its end"
  }
  assert {
    condition     = length(output.alarm_names) == 8 && output.dashboard_name == "backstop"
    error_message = "two alarms of the workload and six of Backstop's own"
  }
}

run "a_large_configuration_needs_a_bucket" {
  command = plan

  variables {
    workloads = [for i in range(60) : {
      name = "api-${i}"
      pools = [
        { name = "spot", cluster = "prod", service = "api-${i}-spot", capacity = "FARGATE_SPOT" },
        { name = "standard", cluster = "prod", service = "api-${i}-standard", capacity = "FARGATE" },
      ]
    }]
  }

  expect_failures = [aws_s3_object.config]
}

run "rules_stay_small_enough" {
  command = plan

  variables {
    services_per_rule = 20
    workloads = [{
      name = "long"
      pools = [for i in range(20) : {
        name = "p${i}", cluster = "prod", service = join("", concat(["s${i}-"], [for j in range(60) : "xyz"])), capacity = i < 19 ? "FARGATE_SPOT" : "FARGATE"
      }]
    }]
  }

  expect_failures = [aws_cloudwatch_event_rule.events]
}

run "a_workload_without_on_demand_is_refused" {
  command = plan

  variables {
    workloads = [{
      name  = "api"
      pools = [{ name = "spot", cluster = "prod", service = "api-spot", capacity = "FARGATE_SPOT" }]
    }]
  }

  expect_failures = [var.workloads]
}

run "a_service_in_two_workloads_is_refused" {
  command = plan

  variables {
    workloads = [for n in ["a", "b"] : {
      name  = n
      pools = [{ name = "standard", cluster = "prod", service = "api", capacity = "FARGATE" }]
    }]
  }

  expect_failures = [var.workloads]
}

run "a_service_by_arn_is_refused" {
  command = plan

  variables {
    workloads = [{
      name  = "api"
      pools = [{ name = "standard", cluster = "prod", service = "arn:aws:ecs:us-east-1:123456789012:service/prod/api", capacity = "FARGATE" }]
    }]
  }

  expect_failures = [var.workloads]
}

run "a_webhook_in_the_clear_is_refused" {
  command = plan

  variables {
    slack_secrets = ["https://hooks.slack.com/services/T000/B000/XXXX"]
  }

  expect_failures = [var.slack_secrets]
}

run "a_signing_key_in_the_clear_is_refused" {
  command = plan

  variables {
    webhooks = [{ url = "ssm:/backstop/webhook", signing_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }]
  }

  expect_failures = [var.webhooks]
}

run "both_sources_of_the_function_are_refused" {
  command = plan

  variables {
    lambda_s3 = { bucket = "releases", key = "backstop.zip" }
  }

  expect_failures = [var.lambda_zip]
}

run "syncing_twins_needs_their_roles" {
  command = plan

  variables {
    workloads = [{
      name   = "api"
      policy = { sync_task_definition = true }
      pools  = [{ name = "standard", cluster = "prod", service = "api", capacity = "FARGATE" }]
    }]
  }

  expect_failures = [var.task_role_arns]
}

run "a_large_batch_needs_a_window" {
  command = plan

  variables {
    batch_size = 100
  }

  expect_failures = [var.batch_size]
}

run "what_is_acted_on_is_named" {
  command = plan

  variables {
    workloads = [{
      name   = "api"
      policy = { preset = "switch" } # which suspends scaling
      pools  = [{ name = "standard", cluster = "prod", service = "api", capacity = "FARGATE", drain = "late" }]
    }]
  }

  expect_failures = [var.scalable_target_arns, var.target_group_arns]
}

run "a_pattern_of_targets_is_refused" {
  command = plan

  variables {
    scalable_target_arns = ["arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/*"]
    target_group_arns    = ["arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/*"]
  }

  expect_failures = [var.scalable_target_arns, var.target_group_arns]
}

run "an_external_id_without_a_role_is_refused" {
  command = plan

  variables {
    workloads = [{
      name  = "api"
      pools = [{ name = "standard", cluster = "prod", service = "api", capacity = "FARGATE", external_id = "f2c1" }]
    }]
  }

  expect_failures = [var.workloads]
}

run "a_zip_file_with_another_digest_is_refused" {
  command = plan

  variables {
    lambda_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  }

  expect_failures = [aws_lambda_function.backstop]
}

run "a_digest_is_written_as_lambda_writes_it" {
  command = plan

  variables {
    lambda_zip    = null
    lambda_s3     = { bucket = "releases", key = "backstop.zip" }
    lambda_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" # of nothing
  }

  assert {
    condition     = aws_lambda_function.backstop.source_code_hash == base64sha256("")
    error_message = "Base64 of the digest's bytes"
  }

  expect_failures = [check.the_function_is_the_release] # the stand-in's function has a digest of its own
}
