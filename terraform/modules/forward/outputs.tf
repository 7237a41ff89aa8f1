output "event_patterns" {
  description = "The pattern of every rule, as JSON, by the rule's name."
  value       = { for name, g in local.groups : name => jsonencode(g.pattern) }
}

output "role_arn" {
  description = "ARN of the role with which EventBridge forwards."
  value       = aws_iam_role.forward.arn
}
