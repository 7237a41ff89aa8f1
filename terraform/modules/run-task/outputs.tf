output "state_machine_arn" {
  description = "ARN of the state machine."
  value       = aws_sfn_state_machine.run.arn
}

output "definition" {
  description = "The state machine, in the Amazon States Language."
  value       = local.machine
}

output "policy" {
  description = "What the state machine's role may do, as JSON."
  value       = data.aws_iam_policy_document.run.json
}

output "role_arn" {
  description = "ARN of the state machine's role."
  value       = aws_iam_role.run.arn
}
