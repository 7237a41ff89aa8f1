variable "name" {
  description = "Name of the state machine; its roles and the schedule are called after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,50}$", var.name))
    error_message = "Must be 1 to 50 letters, digits, - and _."
  }
}

variable "cluster" {
  description = "Name or ARN of the cluster, in this account and region."
  type        = string
  nullable    = false
}

variable "task_definition" {
  description = "Family, family:revision or ARN of the task definition. A family without a revision is that of its latest one when an execution begins."
  type        = string
  nullable    = false
}

variable "subnets" {
  description = "Subnets of the tasks, of several Availability Zones: Spot's room differs between them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnets) >= 1
    error_message = "Name at least one subnet."
  }
}

variable "security_groups" {
  description = "Security groups of the tasks; without any the VPC's default one."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "assign_public_ip" {
  description = "Give the tasks a public address, which they need in a public subnet to reach anything."
  type        = bool
  default     = false
  nullable    = false
}

variable "pools" {
  description = "Where a task may run, in order; subnets of its own where a pool has them."
  type = list(object({
    capacity = string
    subnets  = optional(list(string))
  }))
  default  = [{ capacity = "FARGATE_SPOT" }, { capacity = "FARGATE" }]
  nullable = false

  validation {
    condition     = length(var.pools) >= 1 && alltrue([for p in var.pools : contains(["FARGATE_SPOT", "FARGATE"], p.capacity)])
    error_message = "Name at least one pool, each of FARGATE_SPOT or FARGATE."
  }
  validation {
    condition     = alltrue([for p in var.pools : p.subnets == null ? true : length(p.subnets) > 0 && !contains(p.subnets, "")])
    error_message = "subnets of a pool must name at least one, or be left out: it then has those of subnets."
  }
}

variable "start_within_seconds" {
  description = "How long a task may take to run before the next pool is tried; 0: as long as it takes."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.start_within_seconds >= 0 && floor(var.start_within_seconds) == var.start_within_seconds
    error_message = "Must be a whole number of seconds, 0 or more."
  }
}

variable "retry_interrupted" {
  description = "How often a task that was interrupted is started again, on the next pool. Its work should be able to bear that."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.retry_interrupted >= 0 && var.retry_interrupted <= 100 && floor(var.retry_interrupted) == var.retry_interrupted
    error_message = "Must be a whole number within 0..100."
  }
}

variable "give_up_seconds" {
  description = "How long to look for room on any pool."
  type        = number
  default     = 1800
  nullable    = false

  validation {
    condition     = var.give_up_seconds >= 0 && floor(var.give_up_seconds) == var.give_up_seconds
    error_message = "Must be a whole number of seconds, 0 or more."
  }
}

variable "arguments" {
  description = "Further arguments of RunTask under the names that Step Functions has for them, such as Overrides, Tags or PropagateTags. A text in {% %} is evaluated when an execution begins: {% $states.input.day %}."
  type        = any
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.arguments), ["Count", "ClientToken", "LaunchType", "CapacityProviderStrategy"])) == 0
    error_message = "Count, ClientToken, LaunchType and CapacityProviderStrategy are the machine's own; pools say where tasks run."
  }
  validation {
    condition     = length(setintersection(keys(var.arguments), ["Cluster", "TaskDefinition", "NetworkConfiguration"])) == 0
    error_message = "Cluster, TaskDefinition and NetworkConfiguration are variables of their own: cluster, task_definition, subnets, security_groups and assign_public_ip. The role's policy is for those."
  }
}

variable "task_role_arns" {
  description = "The task definition's roles, for the task and for its execution: who runs it must be allowed to pass them."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "schedule" {
  description = "Start it by EventBridge Scheduler: a cron(...), rate(...) or at(...) expression, with further input of the execution."
  type = object({
    expression     = string
    timezone       = optional(string, "UTC")
    window_minutes = optional(number, 0)
    enabled        = optional(bool, true)
    input          = optional(map(string), {})
  })
  default = null
}

variable "permissions_boundary_arn" {
  description = "A permissions boundary for the roles, where an organisation demands one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything that can be tagged. The tasks' own are in arguments."
  type        = map(string)
  default     = {}
  nullable    = false
}
