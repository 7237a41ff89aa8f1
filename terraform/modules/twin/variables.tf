variable "spot" {
  description = "The service on FARGATE_SPOT: pass the aws_ecs_service resource itself, or the same attributes of a service that Terraform does not manage. Names by Service Connect or Cloud Map, VPC Lattice and other deployment controllers than ECS are taken only to refuse them."
  nullable    = false
  type = object({
    name            = string
    cluster         = string
    task_definition = string
    network_configuration = list(object({
      subnets          = set(string)
      security_groups  = optional(set(string), [])
      assign_public_ip = optional(bool, false)
    }))
    load_balancer = optional(set(object({
      target_group_arn = optional(string)
      container_name   = string
      container_port   = number
      advanced_configuration = optional(list(object({
        alternate_target_group_arn = string
      })), [])
    })), [])
    platform_version                   = optional(string, "LATEST")
    enable_execute_command             = optional(bool, false)
    enable_ecs_managed_tags            = optional(bool, false)
    health_check_grace_period_seconds  = optional(number)
    deployment_minimum_healthy_percent = optional(number, 100)
    deployment_maximum_percent         = optional(number, 200)
    capacity_provider_strategy         = optional(set(object({ capacity_provider = string })), [])
    deployment_circuit_breaker = optional(list(object({
      enable   = bool
      rollback = bool
    })), [])
    alarms = optional(list(object({
      enable      = bool
      rollback    = bool
      alarm_names = set(string)
    })), [])
    service_connect_configuration = optional(list(object({
      enabled   = bool
      namespace = optional(string)
      service   = optional(list(object({ port_name = string })), [])
    })), [])
    service_registries         = optional(list(object({ registry_arn = string })), [])
    vpc_lattice_configurations = optional(set(object({ target_group_arn = string })), [])
    volume_configuration = optional(list(object({
      name = string
      managed_ebs_volume = list(object({
        role_arn                   = string
        encrypted                  = optional(bool)
        file_system_type           = optional(string)
        iops                       = optional(number)
        kms_key_id                 = optional(string)
        size_in_gb                 = optional(number)
        snapshot_id                = optional(string)
        throughput                 = optional(number)
        volume_initialization_rate = optional(number)
        volume_type                = optional(string)
        tag_specifications = optional(list(object({
          resource_type  = string
          propagate_tags = optional(string)
          tags           = optional(map(string))
        })), [])
      }))
    })), [])
    deployment_controller = optional(list(object({ type = optional(string, "ECS") })), [])
  })

  validation {
    condition     = length(var.spot.network_configuration) == 1
    error_message = "The Spot service has no network configuration; tasks on Fargate need one."
  }
  validation {
    condition     = alltrue([for c in var.spot.service_connect_configuration : !c.enabled || length(c.service) == 0])
    error_message = "The Spot service offers a name by Service Connect. It is unique in a namespace, so a twin cannot answer to it; a client alone is no problem."
  }
  validation {
    condition     = length(var.spot.vpc_lattice_configurations) == 0
    error_message = "The Spot service uses VPC Lattice. Backstop cannot read the health of its targets, and so not when cover is in service."
  }
  validation {
    condition     = alltrue([for c in var.spot.deployment_controller : c.type == "ECS"])
    error_message = "The Spot service is deployed by another controller than ECS, which decides which tasks run."
  }
  validation {
    condition     = length(var.spot.service_registries) == 0
    error_message = "The Spot service uses Cloud Map. Whether two services may share one Cloud Map service is not documented; use a load balancer, or make the twin yourself."
  }
  validation {
    condition     = alltrue([for s in var.spot.capacity_provider_strategy : s.capacity_provider == "FARGATE_SPOT"])
    error_message = "The Spot service must run on FARGATE_SPOT alone: the share that its strategy gives to another provider would be counted as Spot."
  }
}

variable "name" {
  description = "Name of the twin. Absent: the Spot service's, with -spot replaced by -standard, or -standard added."
  type        = string
  default     = null
}

variable "deployed_elsewhere" {
  description = "Something other than Terraform changes the services' task definitions. Terraform then ignores them; set sync_task_definition in the workload's policy so that Backstop keeps the twin in step."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags of the twin and of its tasks."
  type        = map(string)
  default     = {}
  nullable    = false
}
