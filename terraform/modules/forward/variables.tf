variable "name" {
  description = "Name of the installation that gets the events (its `name`); rules and the role are called after it."
  type        = string
  default     = "backstop"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "Must be 3 to 32 lower-case letters, digits and dashes, and begin with a letter."
  }
}

variable "event_bus_arn" {
  description = "The bus that gets the events: output event_bus_arn of the module backstop."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._/-]+$", var.event_bus_arn))
    error_message = "Must be the ARN of an event bus."
  }
}

variable "services" {
  description = "The guarded services of this account and region: pools of the workloads do as they are."
  type = list(object({
    cluster = string
    service = string
  }))
  nullable = false

  validation {
    condition     = length(var.services) >= 1
    error_message = "Name at least one service: nothing would be forwarded."
  }
}

variable "services_per_rule" {
  description = "How many services share one EventBridge rule. Fewer for very long names: a pattern has at most 2,048 characters."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.services_per_rule >= 1 && var.services_per_rule <= 20
    error_message = "Must be between 1 and 20."
  }
}

variable "short_service_arns" {
  description = "Match services by their old ARN (without the cluster's name) as well. Only for services that were made before the account opted in to long ARNs."
  type        = bool
  default     = false
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "A permissions boundary for the role, where an organisation demands one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything that can be tagged."
  type        = map(string)
  default     = {}
  nullable    = false
}
