package config

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// Example returns examples/backstop.yaml: every key of the format, set to its default where it has one.
func Example() []byte {
	fill, _ := failover.Preset(failover.PresetFill)
	var b strings.Builder
	b.WriteString(exampleHead)
	group := ""
	for _, f := range tunable.Fields() {
		if workloadKey(f.Key) {
			continue
		}
		if f.Group != group && f.Group != "workload" {
			group = f.Group
			fmt.Fprintf(&b, "\n      # -- %s --\n", group)
			if group == tunable.GroupSwitch {
				comment(&b, "      ", "With the preset switch alone; any other refuses these.")
			}
		}
		comment(&b, "      ", f.Doc)
		if f.Group == tunable.GroupSwitch {
			fmt.Fprintf(&b, "      # %s: %s\n", f.Key, f.Get(&fill))
			continue
		}
		fmt.Fprintf(&b, "      %s: %s\n", f.Key, f.Get(&fill))
	}
	return []byte(b.String())
}

// comment writes text as comment lines of at most 110 characters.
func comment(b *strings.Builder, indent, text string) {
	const width = 110
	line := indent + "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

const exampleHead = `# yaml-language-server: $schema=backstop.schema.json
#
# Every key of backstop.yaml, with its default where it has one. Nobody needs all of this: version, a workload's
# name and its pools are enough. What stands behind "#   " has no default and is shown as an example.
# Generated from internal/config; go test ./internal/config -update writes it.

# The version of this format.
version: 1

# The AWS region of every pool that names none. Absent: the AWS SDK's own (AWS_REGION, the profile).
#   region: us-east-1

# How often every workload is looked at when no event wakes a pass.
tick: 1m

# Where state and history are kept: sqlite (one daemon) or dynamodb (several, and the Lambda function).
state:
  sqlite: backstop.db
#   dynamodb: backstop

# The queue that the EventBridge rules feed. Absent: ticks alone.
#   events: {sqs: "https://sqs.us-east-1.amazonaws.com/123456789012/backstop"}

# Whom to tell what a person should know.
#   notify:
#     - sns: arn:aws:sns:us-east-1:123456789012:backstop
#       digest: "07:00"                                   # once a day (UTC), how the last day went
#     - slack: {secret: "env:SLACK_WEBHOOK_URL"}          # or ssm:/backstop/slack, or file:/run/secrets/slack
#     - webhook: {url: "https://ops.example.com/backstop", signing_secret: "env:HOOK_KEY"} # the URL is never shown, but in the file: prefer secret

# CloudWatch metrics, written to the log in the Embedded Metric Format.
metrics:
  emf: false
  namespace: Fargate/Failover

# The daemon's own pages: dashboard, metrics, health. There is no authentication. "off" serves nothing.
http:
  listen: 127.0.0.1:7077

# Prices that replace those of the built-in table, such as Savings Plans rates.
#   prices:
#     date: 2026-11-01
#     table:
#       - {region: us-east-1, capacity: FARGATE, arch: X86_64, vcpu_hour_usd: 0.032384, gb_hour_usd: 0.003556}

# Clusters in which tasks of no service are started again on demand when Spot takes them back, as often as their tag
# backstop:retry says. ECS does not tell the security groups of a task that has stopped.
#   tasks:
#     - cluster: jobs                                     # or the cluster's ARN
#       region: us-east-1
#       security_groups: [sg-0123456789abcdef0]
#       subnets: [subnet-0123456789abcdef0]               # absent: the subnet that the lost task was in
#       assign_public_ip: false

workloads:
  # State is kept under the name: a new name starts afresh.
  - name: analytics

    # What it is chosen by beside its name: backstop status --label team=data
    #   labels: {team: data}

    # The wanted number of tasks is the desired count of the first pool's service, unless one of these is set.
    #   demand: 200
    #   owner: spot

    # The size of one task, for costs. Absent: read from the task definition.
    #   task: {cpu: 1024, memory: 2048, arch: X86_64}

    # In the order of preference; the last ones on-demand.
    pools:
      - name: spot
        cluster: AnalyticsCluster        # or the cluster's ARN
        service: analytics-spot
        capacity: FARGATE_SPOT
        min: 0
        max: 0                           # 0: no bound
        drain: off                       # late: take warned tasks out of their target groups, as late as it is safe
        drain_before: 25s                # with late: at the latest so long before their end
        #   tier: spot                   # neighbours with the same tier share what is missing
        #   region: us-east-1
        #   role_arn: arn:aws:iam::123456789012:role/backstop
        #   external_id: f2c1              # what the role's trust policy asks for
        #   session_tags: {team: data}     # and what it sees as aws:PrincipalTag
      - {name: standard, cluster: AnalyticsCluster, service: analytics-standard, capacity: FARGATE}

    # A preset's name is enough: "policy: fill". What follows is what fill stands for.
    policy:
      # fill (cover exactly what Spot cannot hold), switch (leave Spot as a whole when it is bad) or observe
      # (decide and record, change nothing).
      preset: fill
`
