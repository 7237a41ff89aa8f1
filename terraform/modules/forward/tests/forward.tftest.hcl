variables {
  event_bus_arn = "arn:aws:events:us-east-1:123456789012:event-bus/default"
  services      = [for i in range(12) : { cluster = i == 0 ? "arn:aws:ecs:us-east-1:123456789012:cluster/dr" : "prod", service = "api-${i}" }]
}

run "events_of_the_named_services_go_to_the_bus" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_event_rule.events) == 3 && alltrue([for t in aws_cloudwatch_event_target.bus : t.arn == var.event_bus_arn])
    error_message = "ten services share a rule, and clusters do not"
  }
  assert {
    condition     = alltrue([for name in keys(aws_cloudwatch_event_rule.events) : startswith(name, "backstop-forward-")])
    error_message = "the role's trust policy knows the rules by what their names begin with"
  }
}

run "nothing_named_is_refused" {
  command = plan

  variables {
    services = []
  }

  expect_failures = [var.services]
}
