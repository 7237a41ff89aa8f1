package ecsevent

import "strings"

// arnParts is what an ECS ARN says: arn:PARTITION:ecs:REGION:ACCOUNT:KIND/[CLUSTER/]NAME. The form without
// a cluster is the old one, which accounts that opted out still have.
type arnParts struct{ region, kind, cluster, name string }

func splitARN(arn string) arnParts {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[2] != "ecs" {
		return arnParts{}
	}
	kind, rest, _ := strings.Cut(f[5], "/")
	p := arnParts{region: f[3], kind: kind, name: rest}
	if kind == "cluster" || kind == "capacity-provider" {
		return p
	}
	if cluster, name, ok := strings.Cut(rest, "/"); ok {
		p.cluster, p.name = cluster, name
	}
	return p
}

// TaskID returns the task ID in a task's ARN (old or new form). What is no ARN is returned as it is, so
// that an ID stays itself.
func TaskID(arn string) string { return lastPart(arn) }

// ClusterName returns the name in a cluster's ARN; what is no ARN is taken for the name.
func ClusterName(arn string) string { return lastPart(arn) }

// ServiceName returns the name in a service's ARN (old or new form); what is no ARN is taken for the name.
func ServiceName(arn string) string { return lastPart(arn) }

// Family returns the family in a task definition's ARN or FAMILY:REVISION.
func Family(definition string) string {
	family, _, _ := strings.Cut(lastPart(definition), ":")
	return family
}

func lastPart(arn string) string {
	if !strings.HasPrefix(arn, "arn:") {
		return arn
	}
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

// ServiceOfGroup returns the service in a task's group ("service:NAME"). ok is false for a task that belongs
// to none ("family:NAME").
func ServiceOfGroup(group string) (name string, ok bool) {
	name, ok = strings.CutPrefix(group, "service:")
	return name, ok && name != ""
}
