# One row of four graphs per workload and one for Backstop itself.

locals {
  # CloudWatch takes 500 widgets; beyond a hundred rows nobody scrolls anyway.
  dashboard_rows = var.metrics ? slice(var.workloads[*].name, 0, min(100, length(var.workloads))) : []
  row_height     = 6

  # [metric, label, colour] of each graph; the position in the list is the position in the row.
  workload_graphs = [
    {
      title   = "tasks"
      stat    = "Average"
      yaxis   = { min = 0 }
      metrics = [["Demand", "#7f7f7f"], ["InService", "#1f77b4"], ["SpotInService", "#2ca02c"], ["Missing", "#d62728"]]
      lines   = []
    },
    {
      title   = "Spot health score"
      stat    = "Average"
      yaxis   = { min = 0, max = 100 }
      metrics = [["SpotHealthScore", "#2ca02c"]]
      lines   = [{ value = 30, label = "critical", color = "#d13212" }, { value = 60, label = "warning", color = "#ff9900" }]
    },
    {
      title   = "failover and errors"
      stat    = "Maximum"
      yaxis   = { min = 0 }
      metrics = [["FailoverActive", "#1f77b4"], ["FailoverCount", "#9467bd"], ["ErrorCount5min", "#d62728"]]
      lines   = []
    },
    {
      title   = "estimated savings today (USD)"
      stat    = "Maximum"
      yaxis   = {}
      metrics = [["CostSavingsToday", "#2ca02c"]]
      lines   = []
    },
  ]

  workload_widgets = flatten([for row, name in local.dashboard_rows : [for i, g in local.workload_graphs : {
    type   = "metric"
    x      = 6 * i
    y      = local.row_height * (row + 1)
    width  = 6
    height = local.row_height
    properties = {
      title       = "${name}: ${g.title}"
      region      = local.region
      view        = "timeSeries"
      stat        = g.stat
      period      = 60
      yAxis       = { left = g.yaxis }
      metrics     = [for m in g.metrics : [local.namespace, m[0], "ServiceName", name, { color = m[1] }]]
      annotations = { horizontal = g.lines }
    }
  }]])

  own_graphs = [
    {
      title   = "function: invocations and errors"
      stat    = "Sum"
      metrics = [["AWS/Lambda", "Invocations", "FunctionName", var.name], ["AWS/Lambda", "Errors", "FunctionName", var.name], ["AWS/Lambda", "Throttles", "FunctionName", var.name]]
    },
    {
      title   = "function: duration (ms)"
      stat    = "p99"
      metrics = [["AWS/Lambda", "Duration", "FunctionName", var.name]]
    },
    {
      title   = "events: age of the oldest (s)"
      stat    = "Maximum"
      metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.name]]
    },
    {
      title   = "dead letters"
      stat    = "Maximum"
      metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-dead"]]
    },
  ]

  own_widgets = [for i, g in local.own_graphs : {
    type   = "metric"
    x      = 6 * i
    y      = 0
    width  = 6
    height = local.row_height
    properties = {
      title       = "${var.name}: ${g.title}"
      region      = local.region
      view        = "timeSeries"
      stat        = g.stat
      period      = 60
      yAxis       = { left = { min = 0 } }
      metrics     = g.metrics
      annotations = { horizontal = [] }
    }
  }]
}

resource "aws_cloudwatch_dashboard" "backstop" {
  count = var.dashboard ? 1 : 0

  dashboard_name = var.name
  dashboard_body = jsonencode({ widgets = concat(local.own_widgets, local.workload_widgets) })
}
