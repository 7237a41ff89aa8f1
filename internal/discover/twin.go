package discover

import (
	"encoding/json"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/twin"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// TwinName proposes a name for a service's on-demand twin.
func TwinName(spot string) string { return stem(spot, spotSuffixes) + "-standard" }

// isTwin reports whether a service is by its name the on-demand twin of another.
func (s *Service) isTwin() bool {
	return s.Capacity == failover.OnDemand && stem(s.Name, onDemandSuffixes) != s.Name
}

// Refusal says why a service can have no twin, or nothing.
func (s *Service) Refusal() string {
	if s.isTwin() {
		return "it runs on demand already, and by its name it is a twin itself"
	}
	if refused := twin.Refusals(s.Live); len(refused) > 0 {
		return refused[0].What + "; " + refused[0].Fix
	}
	switch {
	case s.Deploying():
		return "a deployment is in progress: wait until it is done"
	case s.Live.Revision == nil:
		return "its service revision could not be read (ecs:DescribeServiceRevisions), so that a twin may lack a part of it"
	}
	return ""
}

// Deploying reports whether a deployment replaces tasks of the service: it runs two revisions.
func (s *Service) Deploying() bool {
	return len(s.Live.Service.Deployments) > 1 || len(s.Live.Service.CurrentServiceRevisions) > 1
}

// Notes are what a person should know before making the twin.
func (s *Service) Notes() []string {
	var out []string
	switch s.Capacity {
	case "":
		out = append(out, s.Name+" mixes FARGATE and FARGATE_SPOT: weights are not a fallback; backstop adopt has the order of steps to FARGATE_SPOT alone")
	case failover.OnDemand:
		out = append(out, s.Name+" runs on demand: backstop adopt has the order of steps to FARGATE_SPOT, with its twin in service meanwhile")
	}
	if s.Scaled {
		out = append(out, "auto scaling stays on "+s.Name+" alone; the twin needs no scalable target")
	}
	return out
}

// Command returns the AWS CLI command that makes the on-demand twin of a service, with no tasks. Its input is the call itself, as JSON, so
// that the command line has a form for everything that a service can have.
func (s *Service) Command(region, name string) (string, error) {
	wire, err := twin.Wire(twin.Of(s.Live, name))
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(wire, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write service %s: %w", name, err)
	}
	return "aws ecs create-service --region " + region + " --cli-input-json " + wording.Shell(string(text)), nil
}
