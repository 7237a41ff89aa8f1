# Two services that are already there: one on FARGATE_SPOT, and one on FARGATE with the same task definition.

module "backstop" {
  source = "../../../terraform"

  lambda_zip = var.lambda_zip

  workloads = [{
    name = "analytics"
    pools = [
      { name = "spot", cluster = "AnalyticsCluster", service = "analytics-spot", capacity = "FARGATE_SPOT" },
      { name = "standard", cluster = "AnalyticsCluster", service = "analytics-standard", capacity = "FARGATE" },
    ]
    policy = {
      on_demand_max                = 250  # never more on-demand tasks than this
      on_demand_budget_usd_monthly = 5000 # nor more dollars
    }
  }]

  # The URL itself is in Parameter Store:
  #   aws ssm put-parameter --name /backstop/slack --type SecureString --value https://hooks.slack.com/services/...
  slack_secrets = ["ssm:/backstop/slack"]

  tags = { team = "platform" }
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = module.backstop.dashboard_name
}
