# What the function's role is given beside what every installation needs (iam.tf, iam_services.tf).

variable "count_only" {
  description = "Let the function set the desired count of a service and nothing else that ECS has a condition key for (docs/iam.md). Turn it off only if a drill shows that AWS refuses the count as well."
  type        = bool
  default     = true
  nullable    = false
}

variable "stop_late_tasks" {
  description = "Let the function stop on-demand and Spot tasks that are past twice their limit and never came into service, so that ECS tries another. It takes a permission on every task of the guarded clusters. Without it such tasks are only reported."
  type        = bool
  default     = true
  nullable    = false
}

variable "scalable_target_arns" {
  description = "ARNs of the scalable targets of the guarded services (aws_appautoscaling_target.NAME.arn; `backstop init --terraform` prints them), which the function may suspend and restore while it holds a count down; [] where no service scales. Needed with the preset switch, unless park_scaling is false. Without it, an order that holds a count down cannot suspend scaling."
  type        = list(string)
  default     = null

  validation {
    condition     = alltrue([for arn in coalesce(var.scalable_target_arns, []) : can(regex("^arn:aws[a-z-]*:application-autoscaling:[a-z0-9-]+:[0-9]{12}:scalable-target/[A-Za-z0-9_-]+$", arn))])
    error_message = "Must be ARNs of scalable targets, each without a *: aws application-autoscaling describe-scalable-targets --service-namespace ecs --query 'ScalableTargets[].ScalableTargetARN'."
  }
  validation {
    condition     = var.scalable_target_arns != null || var.observe || alltrue([for w in var.workloads : w.policy.preset != "switch" || coalesce(w.policy.observe, false) || !coalesce(w.policy.park_scaling, true)])
    error_message = "A workload with the preset switch suspends the scaling of its services: name their scalable targets ([] if there are none), or set park_scaling = false."
  }
}

variable "target_group_arns" {
  description = "ARNs of the target groups from which the function may take warned tasks, both of a pair that deployments swap. Needed for pools with drain = \"late\"."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.target_group_arns : can(regex("^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[A-Za-z0-9-]+/[0-9a-f]+$", arn))])
    error_message = "Must be ARNs of target groups, each without a *."
  }
  validation {
    condition     = length(var.target_group_arns) > 0 || var.observe || alltrue(flatten([for w in var.workloads : [for p in w.pools : coalesce(p.drain, "off") != "late" || coalesce(w.policy.observe, w.policy.preset == "observe")]]))
    error_message = "A pool drains late: name the target groups of its service."
  }
}

variable "task_role_arns" {
  description = "Task and execution roles of the guarded services. Only needed when a policy sets sync_task_definition: ECS lets only those change a task definition who may pass its roles."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.task_role_arns) > 0 || alltrue([for w in var.workloads : !coalesce(w.policy.sync_task_definition, false)])
    error_message = "A policy sets sync_task_definition: name the task and execution roles of its services."
  }
}

variable "secrets_kms_key_arns" {
  description = "Keys of your own that encrypt those SSM parameters, or the bucket of the configuration. Not needed for the account's default keys."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "A permissions boundary for the function's role, where an organisation demands one."
  type        = string
  default     = null
}
