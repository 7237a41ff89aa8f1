package discover

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// plain are the texts that YAML takes as they are and as text: they begin with a letter and hold nothing special.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

// reserved are the words that YAML 1.1 readers take for something else than text.
var reserved = regexp.MustCompile(`(?i)^(y|yes|n|no|on|off|true|false|null)$`)

// quote writes a text for YAML.
func quote(s string) string {
	if plain.MatchString(s) && !reserved.MatchString(s) {
		return s
	}
	return fmt.Sprintf("%q", s)
}

// workloadName makes a name that the configuration takes.
func workloadName(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return strings.TrimLeft(s, "-_.")
}

// YAML writes a commented configuration of the proposal. With no pair there is nothing to guard, and it is empty.
func YAML(found *Found, p Proposal) []byte {
	if len(p.Pairs) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by `backstop init` from the live services in %s. Read it, then:\n", found.Region)
	b.WriteString(`#   backstop config validate   is it well formed
#   backstop doctor            is everything there that a failover needs
#   backstop run               watch it; it changes nothing while the preset is observe
# ` + "`backstop config example`" + ` has every key.
version: 1
`)
	fmt.Fprintf(&b, "region: %s\n\n", quote(found.Region))
	b.WriteString("# A file of this machine is for one daemon; several, or the Lambda function, share a table: dynamodb: NAME\nstate: {sqlite: backstop.db}\n\n")
	if found.Queue != "" {
		fmt.Fprintf(&b, "# The queue that EventBridge's rules for ECS feed.\nevents: {sqs: %q}\n\n", found.Queue)
	} else {
		b.WriteString("# No queue was found whose name begins with backstop. Without one a shortage is seen up to a minute late.\n# events: {sqs: \"https://sqs." + found.Region + ".amazonaws.com/ACCOUNT/backstop\"}\n\n")
	}
	b.WriteString("workloads:\n")
	for i := range p.Pairs {
		pair := &p.Pairs[i]
		fmt.Fprintf(&b, "  # Paired %s.\n", pair.Why)
		for _, s := range []*Service{&pair.Spot, &pair.OnDemand} {
			if s.Scaled {
				fmt.Fprintf(&b, "  # %s is scaled automatically between %d and %d tasks.\n", s.Name, s.ScalingMin, s.ScalingMax)
			}
		}
		fmt.Fprintf(&b, "  - name: %s\n", quote(workloadName(pair.Name)))
		b.WriteString("    # observe decides and records, and changes nothing: see `backstop history`. Once you agree, write fill (cover what Spot cannot hold)\n" +
			"    # or switch (move as a whole) in its place. With sync_task_definition a standby without tasks is kept on the release that works.\n" +
			"    policy: {preset: observe, sync_task_definition: true}\n")
		fmt.Fprintf(&b, "    task: {cpu: %d, memory: %d, arch: %s}   # of %s, for costs and budgets\n", pair.Spot.Task.CPU, pair.Spot.Task.Memory, pair.Spot.Task.Arch, quote(pair.Spot.Family))
		fmt.Fprintf(&b, "    # The demand is the desired count of the first pool's service: %d now.\n    pools:\n", pair.Spot.Desired)
		writePool(&b, "spot", &pair.Spot, failover.Spot)
		writePool(&b, "standard", &pair.OnDemand, failover.OnDemand)
	}
	for i := range p.Alone {
		fmt.Fprintf(&b, "\n  # %s in %s runs on FARGATE_SPOT and has no on-demand twin. What makes one:\n  #   backstop init --twin %s --cluster %s\n", p.Alone[i].Name, p.Alone[i].Cluster, p.Alone[i].Name, p.Alone[i].Cluster)
	}
	for i := range p.Busy {
		fmt.Fprintf(&b, "\n  # %s would be the twin of %s %s, and runs %d tasks of its own. A standby has none: they would be taken for cover, and stopped.\n",
			p.Busy[i].OnDemand.Name, p.Busy[i].Spot.Name, p.Busy[i].Why, p.Busy[i].OnDemand.Desired)
	}
	for i := range p.Mixed {
		fmt.Fprintf(&b, "\n  # %s in %s mixes FARGATE and FARGATE_SPOT in one strategy. Weights are not a fallback: what Spot cannot place is not\n  # started on FARGATE. Make it FARGATE_SPOT alone, with a twin on FARGATE.\n", p.Mixed[i].Name, p.Mixed[i].Cluster)
	}
	return []byte(b.String())
}

func writePool(b *strings.Builder, name string, s *Service, capacity failover.Capacity) {
	fmt.Fprintf(b, "      - {name: %s, cluster: %s, service: %s, capacity: %s}\n", name, quote(s.Cluster), quote(s.Name), capacity)
}
