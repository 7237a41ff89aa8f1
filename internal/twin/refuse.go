package twin

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Refusal is a reason for which a service can have no twin.
type Refusal struct {
	// Field is the field of the tables that it rests on.
	Field string
	// What is in the way, Fix what takes it out of the way.
	What, Fix string
}

const balancer = "put a load balancer before the service, which two services may share, and let clients use that"

// refusals say what a service uses of each refused field; empty: nothing. The table's Why is the reason.
var refusals = []struct {
	field string
	uses  func(l *Live) string
	fix   string
}{
	{"DeploymentController", func(l *Live) string {
		if c := l.Service.DeploymentController; c != nil && c.Type != types.DeploymentControllerTypeEcs && c.Type != "" {
			return "deployments by " + string(c.Type)
		}
		return ""
	}, "move the service to the deployment controller ECS, which has blue/green deployments of its own"},
	{"TaskSets", func(l *Live) string { return when(len(l.Service.TaskSets) > 0, "task sets") }, "move the service to the deployment controller ECS"},
	{"ResourceManagementType", func(l *Live) string {
		return when(l.Service.ResourceManagementType == types.ResourceManagementTypeEcs, "Express service")
	}, "make an ordinary service of it, with a target group of its own"},
	{"SchedulingStrategy", func(l *Live) string {
		return when(l.Service.SchedulingStrategy == types.SchedulingStrategyDaemon, "scheduling strategy DAEMON")
	}, "make it a REPLICA service"},
	{"ServiceRegistries", func(l *Live) string { return when(len(l.Service.ServiceRegistries) > 0, "Cloud Map") }, balancer},
	{"ServiceConnectConfiguration", func(l *Live) string {
		all := []*types.ServiceConnectConfiguration{}
		if l.Revision != nil {
			all = append(all, l.Revision.ServiceConnectConfiguration)
		}
		for i := range l.Service.Deployments {
			all = append(all, l.Service.Deployments[i].ServiceConnectConfiguration)
		}
		offers := func(c *types.ServiceConnectConfiguration) bool { return c != nil && c.Enabled && len(c.Services) > 0 }
		return when(slices.ContainsFunc(all, offers), "offers a name by Service Connect")
	}, balancer},
	{"VpcLatticeConfigurations", func(l *Live) string {
		uses := l.Revision != nil && len(l.Revision.VpcLatticeConfigurations) > 0
		for i := range l.Service.Deployments {
			uses = uses || len(l.Service.Deployments[i].VpcLatticeConfigurations) > 0
		}
		return when(uses, "VPC Lattice")
	}, "put a load balancer before the service"},
	{"GatewayConnectors", func(l *Live) string {
		return when(l.Revision != nil && len(l.Revision.GatewayConnectors) > 0, "gateway connector")
	}, balancer},
	{"EcsManagedResources", func(l *Live) string {
		return when(l.Revision != nil && l.Revision.EcsManagedResources != nil, "resources that ECS manages")
	}, "make an ordinary service of it, with a target group of its own"},
}

func when(uses bool, what string) string {
	if uses {
		return what
	}
	return ""
}

// serverWhy is why a server of Service Connect can have no twin; its field is copied otherwise.
const serverWhy = "two services cannot offer one name: clients do not find the cover"

// Refusals returns why a service can have no twin; nothing where it can.
func Refusals(l Live) []Refusal {
	var out []Refusal
	for _, r := range refusals {
		what := r.uses(&l)
		if what == "" {
			continue
		}
		if r.field == "TaskSets" && slices.ContainsFunc(out, func(o Refusal) bool { return o.Field == "DeploymentController" }) {
			continue // the same reason twice
		}
		out = append(out, Refusal{r.field, what + ": " + why(r.field), r.fix})
	}
	return out
}

// why is the reason that the tables give for a refused field.
func why(name string) string {
	for _, table := range [][]Field{serviceFields, revisionFields, configurationFields} {
		for _, f := range table {
			if f.Name == name && f.Treatment == Refused {
				return f.Why
			}
		}
	}
	return serverWhy
}
