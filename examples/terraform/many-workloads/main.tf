# Forty workloads in two clusters by one function, from a table. The configuration is then larger than a parameter holds
# and lies in S3.

locals {
  # What differs from the defaults; everything else is the same for all.
  services = merge(
    { for i in range(1, 26) : format("api-%02d", i) => { cluster = "prod" } },
    { for i in range(1, 16) : format("worker-%02d", i) => { cluster = "batch" } },
  )
  careful = toset(["api-01", "api-02"]) # these are only observed
}

module "backstop" {
  source = "../../../terraform"

  lambda_zip    = var.lambda_zip
  config_bucket = aws_s3_bucket.config.id

  workloads = [for name, s in local.services : {
    name = name
    pools = [
      { name = "spot", cluster = s.cluster, service = "${name}-spot", capacity = "FARGATE_SPOT" },
      { name = "standard", cluster = s.cluster, service = "${name}-standard", capacity = "FARGATE" },
    ]
    policy = {
      preset  = startswith(name, "worker-") ? "switch" : "fill"
      observe = contains(local.careful, name)
    }
  }]

  # The workers' preset, switch, suspends their scaling while it holds their count down. They have none.
  scalable_target_arns = []

  # Two alarms for each of forty workloads would be $8 a month; the notices say the same.
  workload_alarms = false
}

resource "aws_s3_bucket" "config" {
  bucket_prefix = "backstop-config-"
}

resource "aws_s3_bucket_public_access_block" "config" {
  bucket                  = aws_s3_bucket.config.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

output "rules" {
  description = "Number of EventBridge rules; an event bus takes 300."
  value       = length(module.backstop.event_patterns)
}
