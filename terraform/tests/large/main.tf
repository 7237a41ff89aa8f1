# The largest installation that README.md speaks of: 750 services. test.sh plans it, and internal/tfmodule measures its
# policies.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0.0, < 7.0.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "lambda_zip" {
  description = "Any file."
  type        = string
}

module "backstop" {
  source = "../.."

  lambda_zip      = var.lambda_zip
  config_bucket   = "config"
  kms_key_arn     = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555" # known before the apply
  workload_alarms = false

  workloads = [for i in range(375) : {
    name   = format("api-%03d", i)
    policy = { observe = i < 2 }
    pools = [
      { name = "spot", cluster = "prod-${i % 4}", service = format("api-%03d-spot", i), capacity = "FARGATE_SPOT" },
      { name = "standard", cluster = "prod-${i % 4}", service = format("api-%03d-standard", i), capacity = "FARGATE" },
    ]
  }]
}
