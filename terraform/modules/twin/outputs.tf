locals {
  twin = one(concat(aws_ecs_service.twin, aws_ecs_service.deployed_elsewhere))
}

output "name" {
  description = "Name of the twin."
  value       = local.twin.name
}

output "cluster" {
  description = "Its cluster, as the Spot service gives it."
  value       = local.twin.cluster
}

output "task_definition" {
  description = "Its task definition."
  value       = local.twin.task_definition
}

output "pools" {
  description = "The two pools of a workload, for the module backstop: Spot first, then the twin."
  value = [
    { name = "spot", cluster = local.cluster, service = var.spot.name, capacity = "FARGATE_SPOT" },
    { name = "standard", cluster = local.cluster, service = local.twin.name, capacity = "FARGATE" },
  ]
}
