# The first step in production: look, decide and tell, but change nothing. The function has no permission to change a
# service. Take `observe` away when the journal has convinced you; that is the whole second step.

module "backstop" {
  source = "../../../terraform"

  lambda_zip = var.lambda_zip
  observe    = true

  workloads = [{
    name = "analytics"
    pools = [
      { name = "spot", cluster = "AnalyticsCluster", service = "analytics-spot", capacity = "FARGATE_SPOT" },
      { name = "standard", cluster = "AnalyticsCluster", service = "analytics-standard", capacity = "FARGATE" },
    ]
  }]

  subscriptions = {
    me = { protocol = "email", endpoint = var.email }
  }
}

variable "email" {
  description = "Who gets notices and alarms. AWS sends a mail that must be confirmed."
  type        = string
  default     = "ops@example.com"
}

output "config_yaml" {
  description = "The same configuration for the CLI: terraform output -raw config_yaml > backstop.yaml"
  value       = module.backstop.config_yaml
}
