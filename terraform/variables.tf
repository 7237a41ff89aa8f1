variable "name" {
  description = "Name of the function, queue, table and topic, and prefix of everything else. One installation guards many workloads; two in one account and region need two names."
  type        = string
  default     = "backstop"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "Must be 3 to 32 lower-case letters, digits and dashes, and begin with a letter."
  }
}

variable "workloads" {
  description = "What is guarded, as in docs/configuration.md: each workload has pools in the order of preference (the last ones on-demand), each pool is one ECS service. Keys that are left out keep their defaults. Give a cluster that the same apply makes by its name: its ARN is not known beforehand, and the rules are made per cluster."
  nullable    = false
  type = list(object({
    name   = string
    demand = optional(number)
    owner  = optional(string)
    labels = optional(map(string))
    task = optional(object({
      cpu    = number
      memory = number
      arch   = optional(string)
    }))
    policy = optional(object({
      preset                       = optional(string, "fill")
      observe                      = optional(bool)
      ready_after                  = optional(string)
      ready_limit                  = optional(string)
      start_limit                  = optional(string)
      overstart                    = optional(number)
      extra                        = optional(number)
      foresight_usd                = optional(number)
      tier_share_max               = optional(number)
      trip_window                  = optional(string)
      trip_capacity_failures       = optional(number)
      trip_interruptions           = optional(number)
      trip_late                    = optional(number)
      trip_share                   = optional(number)
      probe                        = optional(number)
      hold_off                     = optional(string)
      hold_off_max                 = optional(string)
      stable_for                   = optional(string)
      min_samples                  = optional(number)
      error_share                  = optional(number)
      ramp_dwell                   = optional(string)
      failovers_max_per_day        = optional(number)
      on_demand_max                = optional(number)
      on_demand_budget_usd_monthly = optional(number)
      on_budget                    = optional(string)
      sync_task_definition         = optional(bool)
      park_scaling                 = optional(bool)
      stale_for                    = optional(string)
      write_off_after              = optional(string)
    }), {})
    pools = list(object({
      name     = string
      cluster  = string
      service  = string
      capacity = string
      region   = optional(string)
      role_arn = optional(string)

      external_id  = optional(string)
      session_tags = optional(map(string))

      min  = optional(number)
      max  = optional(number)
      tier = optional(string)

      drain        = optional(string)
      drain_before = optional(string)
    }))
  }))

  validation {
    condition     = length(var.workloads) >= 1 && length(var.workloads) <= 5000
    error_message = "There must be 1 to 5,000 workloads."
  }
  validation {
    condition     = length(distinct(var.workloads[*].name)) == length(var.workloads)
    error_message = "Two workloads have the same name; state is kept under it."
  }
  validation {
    condition     = alltrue([for w in var.workloads : can(regex("^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$", w.name))])
    error_message = "A workload's name has 1 to 100 letters, digits, dots, dashes and underscores."
  }
  validation {
    condition     = alltrue([for w in var.workloads : contains(["fill", "switch", "observe"], w.policy.preset)])
    error_message = "policy.preset is fill, switch or observe."
  }
  validation {
    condition     = alltrue(flatten([for w in var.workloads : [for p in w.pools : contains(["FARGATE_SPOT", "FARGATE"], p.capacity)]]))
    error_message = "A pool's capacity is FARGATE_SPOT or FARGATE."
  }
  validation {
    condition     = alltrue([for w in var.workloads : length(w.pools) >= 1 && length(w.pools) <= 20 && try(w.pools[length(w.pools) - 1].capacity, "") == "FARGATE"])
    error_message = "A workload has 1 to 20 pools in the order of preference, the last one of capacity FARGATE: without on-demand nothing can cover for Spot."
  }
  validation {
    condition     = alltrue(flatten([for w in var.workloads : [for p in w.pools : can(regex("^[A-Za-z0-9_-]{1,255}$", p.service))]]))
    error_message = "A pool's service is the service's name, not its ARN."
  }
  validation {
    condition     = alltrue(flatten([for w in var.workloads : [for p in w.pools : can(regex("^([A-Za-z0-9_-]{1,255}|arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9_-]{1,255})$", p.cluster))]]))
    error_message = "A pool's cluster is a cluster's name or ARN."
  }
  validation {
    condition     = alltrue(flatten([for w in var.workloads : [for p in w.pools : p.role_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$", p.role_arn))]]))
    error_message = "A pool's role_arn is the ARN of an IAM role."
  }
  validation {
    condition     = alltrue(flatten([for w in var.workloads : [for p in w.pools : p.role_arn != null || (p.external_id == null && length(coalesce(p.session_tags, {})) == 0)]]))
    error_message = "external_id and session_tags belong to a role: the pool has no role_arn."
  }
  validation {
    condition = length(distinct(flatten([for w in var.workloads : [for p in w.pools : "${coalesce(p.role_arn, "-")} ${coalesce(p.region, "-")} ${p.cluster} ${p.service}"]]))) == length(flatten([
    for w in var.workloads : w.pools]))
    error_message = "A service is in two pools; two workloads would pull at its desired count."
  }
}

variable "tasks" {
  description = "Clusters of this account and region in which tasks of no service are started again on demand when Spot takes them back, as often as their tag backstop:retry says (docs/run-task.md). families are the task definition families that may be started, role_arns their task and execution roles; the rest is what ECS does not tell of a task that has stopped. Off while observe is true."
  type = list(object({
    cluster          = string
    families         = list(string)
    role_arns        = optional(list(string), [])
    security_groups  = list(string)
    subnets          = optional(list(string))
    assign_public_ip = optional(bool)
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for t in var.tasks : can(regex("^[A-Za-z0-9_-]{1,255}$", t.cluster)) && length(t.families) > 0 && alltrue([for f in t.families : can(regex("^[A-Za-z0-9_-]{1,255}$", f))])])
    error_message = "A cluster is given by its name, and with at least one family, each by its name: report, not report:3 and not *."
  }
  validation {
    condition     = alltrue(flatten([for t in var.tasks : [for arn in t.role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*]+$", arn))]]))
    error_message = "Must be ARNs of roles, each without a *."
  }
  validation {
    condition = alltrue([for t in var.tasks : length(t.security_groups) >= 1 && length(t.security_groups) <= 5 &&
    (t.subnets == null ? true : length(coalesce(t.subnets, [])) >= 1 && length(coalesce(t.subnets, [])) <= 16)])
    error_message = "security_groups are one to five, and subnets one to sixteen; leave subnets out for the lost task's own."
  }
  validation {
    condition     = length(distinct(var.tasks[*].cluster)) == length(var.tasks)
    error_message = "Each cluster once."
  }
}

variable "observe" {
  description = "Decide and record, but change nothing, whatever the workloads' policies say. The function then has no permission to change a service. The first thing to run in production."
  type        = bool
  default     = false
  nullable    = false
}

variable "lambda_zip" {
  description = "Path of the function's zip file on this machine (backstop-lambda_arm64.zip of a release, or of `scripts/lambda-zip`). Either this or lambda_s3."
  type        = string
  default     = null

  validation {
    condition     = (var.lambda_zip == null) != (var.lambda_s3 == null)
    error_message = "Set exactly one of lambda_zip and lambda_s3."
  }
}

variable "lambda_sha256" {
  description = "The zip file's SHA-256 in hexadecimal, as checksums.txt of a release has it (verify that file first: docs/install.md). A file with another one is not installed. Of a file in S3 Terraform sees no bytes: there the apply warns at its end when Lambda got others."
  type        = string
  default     = null

  validation {
    condition     = var.lambda_sha256 == null || can(regex("^[0-9a-f]{64}$", var.lambda_sha256))
    error_message = "Must be 64 hexadecimal digits in lower case."
  }
}

variable "lambda_s3" {
  description = "Where the function's zip file lies in S3, in the function's region. Give object_version, or a key that changes with each release: otherwise Terraform cannot see a new one."
  type = object({
    bucket         = string
    key            = string
    object_version = optional(string)
  })
  default = null
}

variable "config_bucket" {
  description = "An S3 bucket of yours, in the function's region, that keeps the configuration once it is larger than 8 KB (some 30 workloads). Not needed below that. If a KMS key of yours encrypts it, name the key in secrets_kms_key_arns."
  type        = string
  default     = null
}

variable "memory_mb" {
  description = "Memory of the function in MB. Lambda gives processor time in proportion to it."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 3008
    error_message = "Must be between 128 and 3,008."
  }
}

variable "timeout_seconds" {
  description = "Time-out of the function in seconds. A pass and its actions have at most 38 seconds."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 45 && var.timeout_seconds <= 900
    error_message = "Must be between 45 and 900."
  }
}

variable "reserved_concurrency" {
  description = "Concurrency that is kept for the function: two for the queue and one for the schedule. -1: none is kept, where an account's limit is too low for it (Lambda leaves 100 to the others). 0 stops the function, until it is changed."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = contains([-1, 0], var.reserved_concurrency) || var.reserved_concurrency >= 3 && var.reserved_concurrency <= 100
    error_message = "Must be -1, 0, or between 3 and 100: fewer than three let the schedule wait for the queue."
  }
}

variable "batch_size" {
  description = "The most events that one invocation gets. Above 10 Lambda wants a batching window."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 1000
    error_message = "Must be between 1 and 1,000."
  }
  validation {
    condition     = var.batch_size <= 10 || var.batching_window_seconds >= 1
    error_message = "More than 10 needs batching_window_seconds of at least 1."
  }
}

variable "batching_window_seconds" {
  description = "How long Lambda may wait for more events before it invokes the function. 0: not at all; each second is one in which tasks are missing."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 10
    error_message = "Must be between 0 and 10."
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

variable "subscriptions" {
  description = "Who gets notices and alarms, by a name of your choice: SNS protocol and endpoint. An e-mail address must confirm."
  type = map(object({
    protocol = string
    endpoint = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for s in values(var.subscriptions) : contains(["email", "email-json", "sms", "https", "lambda", "sqs"], s.protocol)])
    error_message = "protocol is email, email-json, sms, https, lambda or sqs."
  }
}

variable "slack_secrets" {
  description = "Slack incoming webhooks that get notices, each as a reference to the SSM parameter that holds its URL: ssm:/path/name."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for s in var.slack_secrets : can(regex("^ssm:/[A-Za-z0-9_./-]+$", s))])
    error_message = "Must be references such as ssm:/backstop/slack. The URL itself does not belong here: it would be in the plan and in Terraform's state."
  }
}

variable "webhooks" {
  description = "Webhooks that get notices as JSON, each by references to the SSM parameters that hold its URL and the key that signs requests: ssm:/path/name. Without signing_secret they are not signed."
  type = list(object({
    url            = string
    signing_secret = optional(string)
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for s in compact(concat(var.webhooks[*].url, var.webhooks[*].signing_secret)) : can(regex("^ssm:/[A-Za-z0-9_./-]+$", s))])
    error_message = "Must be references such as ssm:/backstop/webhook. The URL and the key themselves do not belong here: they would be in the plan and in Terraform's state."
  }
}

variable "kms_key_arn" {
  description = "A KMS key of yours for the topic, instead of one made here ($1 a month). Its policy must let cloudwatch.amazonaws.com call kms:Decrypt and kms:GenerateDataKey."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "Must be the ARN of a KMS key (not of an alias)."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the function's log. The journal of decisions is in the table, not here."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "log_level" {
  description = "The least level that the function logs: debug, info, warn or error. debug has a line for every pass that changes nothing."
  type        = string
  default     = "info"
  nullable    = false

  validation {
    condition     = contains(["debug", "info", "warn", "error"], var.log_level)
    error_message = "Must be debug, info, warn or error."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the state table. Turn it off and apply before you destroy the module."
  type        = bool
  default     = true
  nullable    = false
}

variable "metrics" {
  description = "Write nine CloudWatch metrics for each workload: $2.70 a month per workload, most of what an installation costs. Without them a workload has neither alarms nor graphs; the notices, the journal and the function's own alarms stay."
  type        = bool
  default     = true
  nullable    = false
}

variable "workload_alarms" {
  description = "Make the two alarms of each workload (health score, missing tasks): $0.20 a month per workload. They need metrics."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_actions" {
  description = "ARNs that alarms notify besides the topic."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "dashboard" {
  description = "Make a CloudWatch dashboard: $3 a month from an account's fourth on."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of everything that can be tagged."
  type        = map(string)
  default     = {}
  nullable    = false
}
