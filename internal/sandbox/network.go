package sandbox

import (
	"encoding/json"
	"slices"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// network is a networkConfiguration.
type network struct {
	Awsvpc struct {
		Subnets        []string `json:"subnets"`
		SecurityGroups []string `json:"securityGroups"`
		AssignPublicIP string   `json:"assignPublicIp"`
	} `json:"awsvpcConfiguration"`
}

func subnetsOf(networkConfiguration json.RawMessage) []string {
	var n network
	if len(networkConfiguration) == 0 || json.Unmarshal(networkConfiguration, &n) != nil {
		return nil
	}
	return n.Awsvpc.Subnets
}

// zonesOf derives the availability zones of subnets: subnet-a and anything else that ends in -a to -f lies in
// that zone; the others lie in a, b and c in turn.
func zonesOf(region string, networkConfiguration json.RawMessage) []string {
	var zones []string
	for i, subnet := range subnetsOf(networkConfiguration) {
		zone := zoneOf(region, subnet, i)
		if !slices.Contains(zones, zone) {
			zones = append(zones, zone)
		}
	}
	return zones
}

// zoneOf is the zone of a subnet, the one with a number of those that are named.
func zoneOf(region, subnet string, number int) string {
	if n := len(subnet); n > 2 && subnet[n-2] == '-' && subnet[n-1] >= 'a' && subnet[n-1] <= 'f' {
		return region + subnet[n-1:]
	}
	return region + string("abc"[number%3])
}

// networkIn is zonesOf run backwards: the network of a service that was made in the model, which has zones and no subnets.
func networkIn(zones []string) json.RawMessage {
	var n network
	for _, zone := range zones {
		n.Awsvpc.Subnets = append(n.Awsvpc.Subnets, "subnet-"+zone[len(zone)-1:])
	}
	n.Awsvpc.SecurityGroups, n.Awsvpc.AssignPublicIP = []string{"sg-sandbox"}, "DISABLED"
	raw, err := json.Marshal(n)
	if err != nil { // strings only: always encodes
		return nil
	}
	return raw
}

// Errors of CreateService, UpdateService and RunTask, as reported for them in aws-actions/amazon-ecs-deploy-task-definition
// #802, fabfuel/ecs-deploy #133 and tryretool/retool-onpremise #84 (network), sil-org/ecs-deploy #134 and
// buildkite-plugins/ecs-deploy-buildkite-plugin #34 (task definition).
const (
	needsNetwork = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
	notFargate   = "Task definition does not support launch_type FARGATE."
)

// checkTasks refuses tasks that cannot be: of a definition that Fargate does not run, or in no subnet. A definition that is
// not there passes: the model has the error for it.
func (s *Sandbox) checkTasks(c *call, definition string, networkConfiguration json.RawMessage) error {
	if _, err := s.nameOf(c, definition); err != nil {
		return err
	}
	d, err := s.world.DescribeTaskDefinition(c.region, definition)
	switch {
	case err != nil:
		return nil
	case !forFargate(&d):
		return ecsInvalid(notFargate)
	case len(subnetsOf(networkConfiguration)) == 0:
		return ecsInvalid(needsNetwork)
	}
	return nil
}

// checkUpdate is checkTasks for what an UpdateService call changes. A service that cannot be changed passes, as above.
func (s *Sandbox) checkUpdate(c *call, ref ecsim.Ref, in *serviceInput) error {
	if in.TaskDefinition == "" && !named(in.NetworkConfiguration) {
		return nil
	}
	now, _, err := s.world.DescribeServices(ref.Region, ref.Cluster, []string{ref.Service})
	if err != nil || len(now) != 1 || now[0].Status != "ACTIVE" {
		return nil
	}
	networkConfiguration := in.NetworkConfiguration
	if !named(networkConfiguration) {
		networkConfiguration = s.extrasOf(&now[0]).NetworkConfiguration
	}
	return s.checkTasks(c, orDefault(in.TaskDefinition, now[0].TaskDefinition), networkConfiguration)
}
