variables {
  name            = "nightly"
  cluster         = "arn:aws:ecs:us-east-1:123456789012:cluster/jobs"
  task_definition = "report"
  subnets         = ["subnet-a", "subnet-b"]
  task_role_arns  = ["arn:aws:iam::123456789012:role/report"]
}

run "spot_first_then_on_demand" {
  command = plan

  assert {
    condition     = [for p in jsondecode(output.definition).States.Begin.Assign.settings.Pools : p.CapacityProviderStrategy[0].CapacityProvider] == ["FARGATE_SPOT", "FARGATE"]
    error_message = "the pools are Spot and on demand"
  }
  assert {
    condition     = jsondecode(output.definition).QueryLanguage == "JSONata" && length(aws_scheduler_schedule.run) == 0
    error_message = "a schedule is made on request only"
  }
}

run "a_schedule_names_the_run_by_its_time" {
  command = plan

  variables {
    schedule = { expression = "cron(0 3 * * ? *)", timezone = "Europe/Berlin", window_minutes = 15, input = { kind = "full" } }
  }

  assert {
    condition     = one(aws_scheduler_schedule.run["schedule"].flexible_time_window).mode == "FLEXIBLE" && aws_scheduler_schedule.run["schedule"].schedule_expression_timezone == "Europe/Berlin"
    error_message = "the schedule is what was asked for"
  }
  assert {
    condition     = strcontains(one(aws_scheduler_schedule.run["schedule"].target).input, "\"<aws.scheduler.scheduled-time>\"") && jsondecode(one(aws_scheduler_schedule.run["schedule"].target).input).kind == "full"
    error_message = "Scheduler looks for its keyword with < and > as they are"
  }
}

run "what_the_machine_sets_itself_is_refused" {
  command = plan

  variables {
    arguments = { Count = 3 }
  }

  expect_failures = [var.arguments]
}

run "other_capacity_is_refused" {
  command = plan

  variables {
    pools = [{ capacity = "EC2" }]
  }

  expect_failures = [var.pools]
}

run "an_end_before_the_beginning_is_refused" {
  command = plan

  variables {
    give_up_seconds = -5
  }

  expect_failures = [var.give_up_seconds]
}

run "a_pool_of_no_subnets_is_refused" {
  command = plan

  variables {
    pools = [{ capacity = "FARGATE", subnets = [] }]
  }

  expect_failures = [var.pools]
}

run "a_cluster_that_the_policy_is_not_for_is_refused" {
  command = plan

  variables {
    arguments = { Cluster = "other" }
  }

  expect_failures = [var.arguments]
}

run "half_a_second_is_refused" {
  command = plan

  variables {
    give_up_seconds = 0.5
  }

  expect_failures = [var.give_up_seconds]
}
