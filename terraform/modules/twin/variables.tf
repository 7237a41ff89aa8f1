variable "spot" {
  description = "The service on FARGATE_SPOT: pass the aws_ecs_service resource itself, or the same attributes of a service that Terraform does not manage. service_registries and service_connect_configuration are taken only to refuse them: twins cannot share a Service Connect name, and sharing a Cloud Map service is not documented."
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
    })), [])
    platform_version                   = optional(string, "LATEST")
    enable_execute_command             = optional(bool, false)
    health_check_grace_period_seconds  = optional(number)
    deployment_minimum_healthy_percent = optional(number, 100)
    deployment_maximum_percent         = optional(number, 200)
    capacity_provider_strategy         = optional(set(object({ capacity_provider = string })), [])
    service_connect_configuration      = optional(list(object({ enabled = bool })), [])
    service_registries                 = optional(list(object({ registry_arn = string })), [])
  })

  validation {
    condition     = length(var.spot.network_configuration) == 1
    error_message = "The Spot service has no network configuration; tasks on Fargate need one."
  }
  validation {
    condition     = alltrue([for c in var.spot.service_connect_configuration : !c.enabled])
    error_message = "The Spot service uses Service Connect. Its names are unique in a namespace, so a twin cannot answer to them."
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
