# The on-demand twin of an ECS service on Fargate Spot: the same task definition, network and target groups, on the
# capacity provider FARGATE, with no tasks until Backstop asks for some.
#
# There are two resources because Terraform's ignore_changes cannot depend on a variable; exactly one of them is made.

locals {
  name    = coalesce(var.name, endswith(var.spot.name, "-spot") ? "${trimsuffix(var.spot.name, "-spot")}-standard" : "${var.spot.name}-standard")
  cluster = var.spot.cluster
  network = one(var.spot.network_configuration)

  # Where the deployments of the Spot service shift traffic between two target groups, the twin is in both.
  targets = flatten([for b in var.spot.load_balancer : [for group in distinct(compact(concat([b.target_group_arn], b.advanced_configuration[*].alternate_target_group_arn))) : {
    target_group_arn = group
    container_name   = b.container_name
    container_port   = b.container_port
  }]])
}

# Deployed by Terraform: the twin follows the Spot service's task definition in the same apply.
resource "aws_ecs_service" "twin" {
  count = var.deployed_elsewhere ? 0 : 1

  name                               = local.name
  cluster                            = local.cluster
  task_definition                    = var.spot.task_definition
  desired_count                      = 0
  platform_version                   = var.spot.platform_version
  enable_execute_command             = var.spot.enable_execute_command
  enable_ecs_managed_tags            = var.spot.enable_ecs_managed_tags
  health_check_grace_period_seconds  = var.spot.health_check_grace_period_seconds
  deployment_minimum_healthy_percent = var.spot.deployment_minimum_healthy_percent
  deployment_maximum_percent         = var.spot.deployment_maximum_percent
  availability_zone_rebalancing      = "DISABLED" # it would start and stop cover that is to be given back
  propagate_tags                     = "SERVICE"
  tags                               = var.tags

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }

  network_configuration {
    subnets          = local.network.subnets
    security_groups  = local.network.security_groups
    assign_public_ip = local.network.assign_public_ip
  }

  dynamic "load_balancer" {
    for_each = local.targets
    content {
      target_group_arn = load_balancer.value.target_group_arn
      container_name   = load_balancer.value.container_name
      container_port   = load_balancer.value.container_port
    }
  }

  dynamic "deployment_circuit_breaker" {
    for_each = var.spot.deployment_circuit_breaker
    content {
      enable   = deployment_circuit_breaker.value.enable
      rollback = deployment_circuit_breaker.value.rollback
    }
  }

  dynamic "alarms" {
    for_each = var.spot.alarms
    content {
      enable      = alarms.value.enable
      rollback    = alarms.value.rollback
      alarm_names = alarms.value.alarm_names
    }
  }

  dynamic "service_connect_configuration" {
    for_each = var.spot.service_connect_configuration
    content {
      enabled   = service_connect_configuration.value.enabled
      namespace = service_connect_configuration.value.namespace
    }
  }

  dynamic "volume_configuration" {
    for_each = var.spot.volume_configuration
    content {
      name = volume_configuration.value.name

      dynamic "managed_ebs_volume" {
        for_each = volume_configuration.value.managed_ebs_volume
        content {
          role_arn                   = managed_ebs_volume.value.role_arn
          encrypted                  = managed_ebs_volume.value.encrypted
          file_system_type           = managed_ebs_volume.value.file_system_type
          iops                       = managed_ebs_volume.value.iops
          kms_key_id                 = managed_ebs_volume.value.kms_key_id
          size_in_gb                 = managed_ebs_volume.value.size_in_gb
          snapshot_id                = managed_ebs_volume.value.snapshot_id
          throughput                 = managed_ebs_volume.value.throughput
          volume_initialization_rate = managed_ebs_volume.value.volume_initialization_rate
          volume_type                = managed_ebs_volume.value.volume_type

          dynamic "tag_specifications" {
            for_each = managed_ebs_volume.value.tag_specifications
            content {
              resource_type  = tag_specifications.value.resource_type
              propagate_tags = tag_specifications.value.propagate_tags
              tags           = tag_specifications.value.tags
            }
          }
        }
      }
    }
  }

  lifecycle {
    # Backstop's, from the first shortage on. Terraform would take the cover away in the middle of one.
    ignore_changes = [desired_count]
  }
}

# Deployed by something else (CodePipeline, a script): Terraform leaves the task definition alone as well, and Backstop
# keeps the twins in step (sync_task_definition) or warns.
resource "aws_ecs_service" "deployed_elsewhere" {
  count = var.deployed_elsewhere ? 1 : 0

  name                               = local.name
  cluster                            = local.cluster
  task_definition                    = var.spot.task_definition
  desired_count                      = 0
  platform_version                   = var.spot.platform_version
  enable_execute_command             = var.spot.enable_execute_command
  enable_ecs_managed_tags            = var.spot.enable_ecs_managed_tags
  health_check_grace_period_seconds  = var.spot.health_check_grace_period_seconds
  deployment_minimum_healthy_percent = var.spot.deployment_minimum_healthy_percent
  deployment_maximum_percent         = var.spot.deployment_maximum_percent
  availability_zone_rebalancing      = "DISABLED" # it would start and stop cover that is to be given back
  propagate_tags                     = "SERVICE"
  tags                               = var.tags

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }

  network_configuration {
    subnets          = local.network.subnets
    security_groups  = local.network.security_groups
    assign_public_ip = local.network.assign_public_ip
  }

  dynamic "load_balancer" {
    for_each = local.targets
    content {
      target_group_arn = load_balancer.value.target_group_arn
      container_name   = load_balancer.value.container_name
      container_port   = load_balancer.value.container_port
    }
  }

  dynamic "deployment_circuit_breaker" {
    for_each = var.spot.deployment_circuit_breaker
    content {
      enable   = deployment_circuit_breaker.value.enable
      rollback = deployment_circuit_breaker.value.rollback
    }
  }

  dynamic "alarms" {
    for_each = var.spot.alarms
    content {
      enable      = alarms.value.enable
      rollback    = alarms.value.rollback
      alarm_names = alarms.value.alarm_names
    }
  }

  dynamic "service_connect_configuration" {
    for_each = var.spot.service_connect_configuration
    content {
      enabled   = service_connect_configuration.value.enabled
      namespace = service_connect_configuration.value.namespace
    }
  }

  dynamic "volume_configuration" {
    for_each = var.spot.volume_configuration
    content {
      name = volume_configuration.value.name

      dynamic "managed_ebs_volume" {
        for_each = volume_configuration.value.managed_ebs_volume
        content {
          role_arn                   = managed_ebs_volume.value.role_arn
          encrypted                  = managed_ebs_volume.value.encrypted
          file_system_type           = managed_ebs_volume.value.file_system_type
          iops                       = managed_ebs_volume.value.iops
          kms_key_id                 = managed_ebs_volume.value.kms_key_id
          size_in_gb                 = managed_ebs_volume.value.size_in_gb
          snapshot_id                = managed_ebs_volume.value.snapshot_id
          throughput                 = managed_ebs_volume.value.throughput
          volume_initialization_rate = managed_ebs_volume.value.volume_initialization_rate
          volume_type                = managed_ebs_volume.value.volume_type

          dynamic "tag_specifications" {
            for_each = managed_ebs_volume.value.tag_specifications
            content {
              resource_type  = tag_specifications.value.resource_type
              propagate_tags = tag_specifications.value.propagate_tags
              tags           = tag_specifications.value.tags
            }
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [desired_count, task_definition]
  }
}
