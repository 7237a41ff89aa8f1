output "twin" {
  description = "Name of the on-demand twin."
  value       = module.twin.name
}

output "url" {
  description = "Where the service answers."
  value       = "http://${aws_lb.api.dns_name}"
}
