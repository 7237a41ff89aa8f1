# Written by backstop adopt web --terraform from the live service in us-east-1. Nothing was changed.
# Apply it step by step, each only when the one before it is done; the tasks and costs of each: backstop adopt web

# Step 1, twin: make the on-demand twin web-standard with no task: everything of web but its capacity, count and zone rebalancing.
# terraform apply makes it. In the next steps leave web to your own configuration.

# The on-demand twin of web. Where that is an aws_ecs_service of yours, the module terraform/modules/twin follows it instead.
resource "aws_ecs_service" "web_standard" {
  name                               = "web-standard"
  cluster                            = "arn:aws:ecs:us-east-1:123456789012:cluster/prod"
  task_definition                    = "web:1"
  desired_count                      = 0
  platform_version                   = "LATEST"
  enable_execute_command             = true
  health_check_grace_period_seconds  = 60
  deployment_minimum_healthy_percent = 25
  deployment_maximum_percent         = 100
  availability_zone_rebalancing      = "DISABLED"

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = false
  }

  network_configuration {
    subnets          = ["subnet-a", "subnet-b"]
    security_groups  = ["sg-1"]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/f609dc0f9c24d642"
    container_name   = "app"
    container_port   = 80
  }

  volume_configuration {
    name = "data"

    managed_ebs_volume {
      role_arn   = "arn:aws:iam::123456789012:role/volumes"
      size_in_gb = 20
    }
  }

  lifecycle {
    ignore_changes = [desired_count] # Backstop's, from the first shortage on
  }
}

# Step 2, hold-scale-in: suspend scale-in of web: with cover beside it its load halves, and auto scaling would take tasks away.
# By hand:
#
#   aws application-autoscaling register-scalable-target --region us-east-1 --service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id service/prod/web --suspended-state DynamicScalingInSuspended=true,DynamicScalingOutSuspended=false,ScheduledScalingSuspended=false

# Step 3, cover: start 12 tasks of cover in web-standard.
# By hand:
#
#   aws ecs update-service --region us-east-1 --cluster prod --service web-standard --desired-count 12
#   aws ecs wait services-stable --region us-east-1 --cluster prod --services web-standard
#   aws elbv2 wait target-in-service --region us-east-1 --target-group-arn arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/f609dc0f9c24d642
#
# Then wait until 12 tasks of web-standard are in service: healthy in the target group.

# Step 4, move: make web FARGATE_SPOT alone; ECS replaces its tasks, and the cover serves whatever Spot cannot hold.
# By hand:
#
#   aws ecs update-service --region us-east-1 --cluster prod --service web --force-new-deployment --capacity-provider-strategy capacityProvider=FARGATE_SPOT,weight=1
#   aws ecs wait services-stable --region us-east-1 --cluster prod --services web
#   aws elbv2 wait target-in-service --region us-east-1 --target-group-arn arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/f609dc0f9c24d642
#
# Then wait until 12 tasks of web are in service: healthy in the target group.
# Then write it into your resource, so that a plan shows no change:
#
#   (take launch_type away)
#   capacity_provider_strategy {
#     capacity_provider = "FARGATE_SPOT"
#     weight            = 1
#   }
#   lifecycle {
#     ignore_changes = [desired_count]
#   }
#
# Do not apply a plan that replaces web: Terraform's provider would make it again, with none of its tasks meanwhile.

# Step 5, give-back: give the cover back; where Spot holds fewer than 12, leave as many as are missing.
# By hand:
#
#   aws ecs update-service --region us-east-1 --cluster prod --service web-standard --desired-count 0
#
# Then wait until the tasks of web-standard have stopped, and for five minutes more: auto scaling acts on what its metrics were.

# Step 6, resume-scale-in: let auto scaling of web scale in again.
# By hand:
#
#   aws application-autoscaling register-scalable-target --region us-east-1 --service-namespace ecs --scalable-dimension ecs:service:DesiredCount --resource-id service/prod/web --suspended-state DynamicScalingInSuspended=false,DynamicScalingOutSuspended=false,ScheduledScalingSuspended=false

# Step 7, guard: add the workload to the configuration, with the preset observe; nothing covers what Spot takes until it is fill.
# terraform apply installs it, observing only.

module "backstop" {
  source = "./terraform" # of the repository

  # Of a release, or made by scripts/lambda-zip.
  lambda_zip = "dist/backstop-lambda_arm64.zip"

  # Decide and record, with no permission to change anything. Take it away to act.
  observe = true

  workloads = [
    {
      name = "web"
      task = { cpu = 512, memory = 1024, arch = "X86_64" }
      pools = [
        { name = "spot", cluster = "prod", service = "web", capacity = "FARGATE_SPOT" },
        { name = "standard", cluster = "prod", service = aws_ecs_service.web_standard.name, capacity = "FARGATE" },
      ]
    },
  ]

  # What may be suspended while an order or a breaker holds a count down.
  scalable_target_arns = [
    "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/00000001-0000-4000-8000-00000000001c", # web
  ]
}

# Where web is a resource of this configuration, the module follows its releases. Once it is moved, take
# the twin's resource out, write this in its place, and let the workload above name module.web_standard.name:
#
#   module "web_standard" {
#     source = "./terraform/modules/twin"
#     spot   = aws_ecs_service.web
#     name   = "web-standard"
#   }
#
#   moved {
#     from = aws_ecs_service.web_standard
#     to   = module.web_standard.aws_ecs_service.twin[0]
#   }
