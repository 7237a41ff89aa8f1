variables {
  spot = {
    name            = "api-spot"
    cluster         = "prod"
    task_definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/api:7"
    network_configuration = [{
      subnets         = ["subnet-a", "subnet-b"]
      security_groups = ["sg-1"]
    }]
    load_balancer = [{
      target_group_arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/api/1"
      container_name   = "api"
      container_port   = 8080
    }]
    health_check_grace_period_seconds = 60
  }
}

run "the_twin_is_the_same_service_on_demand_and_empty" {
  command = plan

  assert {
    condition     = aws_ecs_service.twin[0].name == "api-standard" && aws_ecs_service.twin[0].cluster == "prod"
    error_message = "-spot becomes -standard, in the same cluster"
  }
  assert {
    condition     = aws_ecs_service.twin[0].desired_count == 0
    error_message = "no tasks until Backstop asks for some"
  }
  assert {
    condition     = one(aws_ecs_service.twin[0].capacity_provider_strategy).capacity_provider == "FARGATE"
    error_message = "on-demand"
  }
  assert {
    condition     = aws_ecs_service.twin[0].task_definition == var.spot.task_definition && one(aws_ecs_service.twin[0].load_balancer).target_group_arn == one(var.spot.load_balancer).target_group_arn
    error_message = "the same task definition and target group"
  }
  assert {
    condition     = one(aws_ecs_service.twin[0].network_configuration).subnets == toset(["subnet-a", "subnet-b"]) && aws_ecs_service.twin[0].health_check_grace_period_seconds == 60
    error_message = "the same network and grace period"
  }
  assert {
    condition     = aws_ecs_service.twin[0].availability_zone_rebalancing == "DISABLED"
    error_message = "zone rebalancing would start and stop cover that is to be given back"
  }
}

run "made" {
  command = apply

  assert {
    condition = jsonencode(output.pools) == jsonencode([
      { name = "spot", cluster = "prod", service = "api-spot", capacity = "FARGATE_SPOT" },
      { name = "standard", cluster = "prod", service = "api-standard", capacity = "FARGATE" },
    ])
    error_message = "the pools of a workload, Spot first"
  }
}

run "a_new_task_definition_reaches_the_twin" {
  command = plan

  variables {
    spot = {
      name                  = "api-spot"
      cluster               = "prod"
      task_definition       = "arn:aws:ecs:us-east-1:123456789012:task-definition/api:8"
      network_configuration = [{ subnets = ["subnet-a", "subnet-b"], security_groups = ["sg-1"] }]
    }
  }

  assert {
    condition     = aws_ecs_service.twin[0].task_definition == "arn:aws:ecs:us-east-1:123456789012:task-definition/api:8"
    error_message = "an old revision on the twin would make every failover a silent roll-back"
  }
}

run "deployed_elsewhere" {
  command = plan

  variables {
    deployed_elsewhere = true
    name               = "api-od"
  }

  assert {
    condition     = length(aws_ecs_service.twin) == 0 && aws_ecs_service.deployed_elsewhere[0].name == "api-od"
    error_message = "exactly one of the two resources, by the name that was asked for"
  }
}

run "a_service_of_service_connect_is_refused" {
  command = plan

  variables {
    spot = {
      name                          = "api-spot"
      cluster                       = "prod"
      task_definition               = "api:7"
      network_configuration         = [{ subnets = ["subnet-a"] }]
      service_connect_configuration = [{ enabled = true, service = [{ port_name = "http" }] }]
    }
  }

  expect_failures = [var.spot]
}

run "a_client_of_service_connect_is_copied" {
  command = plan

  variables {
    spot = {
      name                          = "api-spot"
      cluster                       = "prod"
      task_definition               = "api:7"
      network_configuration         = [{ subnets = ["subnet-a"] }]
      service_connect_configuration = [{ enabled = true, namespace = "internal" }]
      deployment_circuit_breaker    = [{ enable = true, rollback = true }]
      alarms                        = [{ enable = true, rollback = false, alarm_names = ["5xx"] }]
      enable_ecs_managed_tags       = true
    }
  }

  assert {
    condition     = one(aws_ecs_service.twin[0].service_connect_configuration).namespace == "internal" && one(aws_ecs_service.twin[0].deployment_circuit_breaker).rollback
    error_message = "cover that reaches nothing, or is deployed by other rules"
  }
  assert {
    condition     = one(aws_ecs_service.twin[0].alarms).alarm_names == toset(["5xx"]) && aws_ecs_service.twin[0].enable_ecs_managed_tags
    error_message = "alarms and managed tags"
  }
}

run "the_twin_of_a_blue_green_service_is_in_both_groups" {
  command = plan

  variables {
    spot = {
      name                  = "api-spot"
      cluster               = "prod"
      task_definition       = "api:7"
      network_configuration = [{ subnets = ["subnet-a"] }]
      load_balancer = [{
        target_group_arn       = "blue"
        container_name         = "api"
        container_port         = 8080
        advanced_configuration = [{ alternate_target_group_arn = "green" }]
      }]
    }
  }

  assert {
    condition     = toset(aws_ecs_service.twin[0].load_balancer[*].target_group_arn) == toset(["blue", "green"])
    error_message = "the group with traffic changes at each deployment"
  }
}

run "volumes_are_copied" {
  command = plan

  variables {
    spot = {
      name                  = "api-spot"
      cluster               = "prod"
      task_definition       = "api:7"
      network_configuration = [{ subnets = ["subnet-a"] }]
      volume_configuration = [{
        name = "data"
        managed_ebs_volume = [{
          role_arn           = "arn:aws:iam::123456789012:role/ecsInfrastructureRole"
          size_in_gb         = 20
          volume_type        = "gp3"
          tag_specifications = [{ resource_type = "volume", propagate_tags = "SERVICE" }]
        }]
      }]
    }
  }

  assert {
    condition     = aws_ecs_service.twin[0].volume_configuration[0].managed_ebs_volume[0].size_in_gb == 20
    error_message = "a task of the twin gets a volume of its own, as one of the Spot service does"
  }
  assert {
    condition     = aws_ecs_service.twin[0].volume_configuration[0].managed_ebs_volume[0].tag_specifications[0].propagate_tags == "SERVICE"
    error_message = "the volume's tags are part of it"
  }
}

run "a_mixed_strategy_is_refused" {
  command = plan

  variables {
    spot = {
      name                       = "api"
      cluster                    = "prod"
      task_definition            = "api:7"
      network_configuration      = [{ subnets = ["subnet-a"] }]
      capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT" }, { capacity_provider = "FARGATE" }]
    }
  }

  expect_failures = [var.spot]
}
