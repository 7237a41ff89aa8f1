# One row of four graphs per workload and one for Backstop itself.

locals {
  # CloudWatch takes 500 widgets; beyond a hundred rows nobody scrolls anyway.
  dashboard_rows = var.metrics ? slice(var.workloads[*].name, 0, min(100, length(var.workloads))) : []
  row_height     = 6

  # [metric, colour] of each graph, and [expression, label, colour] of what is made of them, in which m0 is the first metric;
  # the position in the list is the position in the row.
  workload_graphs = [
    {
      title       = "tasks wanted, in service, missing"
      stat        = "Average"
      yaxis       = { min = 0 }
      metrics     = [["Demand", "#7f7f7f"], ["InService", "#1f77b4"], ["Missing", "#d62728"]]
      expressions = []
      lines       = []
    },
    {
      title       = "in service on Spot and on demand (cover)"
      stat        = "Average"
      yaxis       = { min = 0 }
      metrics     = [["SpotInService", "#2ca02c"], ["InService", "#c7c7c7"], ["FailoverActive", "#9467bd"], ["FailoverCount", "#8c564b"]]
      expressions = [["m1 - m0", "on demand", "#ff7f0e"]]
      lines       = []
    },
    {
      title       = "Spot: health score and errors"
      stat        = "Average"
      yaxis       = { min = 0, max = 100 }
      metrics     = [["SpotHealthScore", "#2ca02c"], ["ErrorCount5min", "#d62728"]]
      expressions = []
      lines       = [{ value = 30, label = "critical", color = "#d13212" }, { value = 60, label = "warning", color = "#ff9900" }]
    },
    {
      title       = "money: saved today against all on-demand (USD, estimated)"
      stat        = "Maximum"
      yaxis       = {}
      metrics     = [["CostSavingsToday", "#2ca02c"]]
      expressions = []
      lines       = []
    },
  ]

  workload_widgets = flatten([for row, name in local.dashboard_rows : [for i, g in local.workload_graphs : {
    type   = "metric"
    x      = 6 * i
    y      = local.row_height * (row + 1)
    width  = 6
    height = local.row_height
    properties = {
      title  = "${name}: ${g.title}"
      region = local.region
      view   = "timeSeries"
      stat   = g.stat
      period = 60
      yAxis  = { left = g.yaxis }
      metrics = concat(
        [for k, m in g.metrics : [local.namespace, m[0], "ServiceName", name, { id = "m${k}", color = m[1] }]],
        [for k, e in g.expressions : [{ id = "e${k}", expression = e[0], label = e[1], color = e[2] }]],
      )
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
