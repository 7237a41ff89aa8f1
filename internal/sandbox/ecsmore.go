package sandbox

import (
	"cmp"
	"slices"
	"strings"
)

type familiesOutput struct {
	Families  []string `json:"families"`
	NextToken string   `json:"nextToken,omitempty"`
}

// familyOf is the family in a task definition's ARN, FAMILY:REVISION at its end.
func familyOf(arn string) string {
	name, _, _ := strings.Cut(arn[strings.LastIndexByte(arn, '/')+1:], ":")
	return name
}

// listTaskDefinitionFamilies lists those with active revisions by default, with status INACTIVE those without, with ALL both.
func (s *Sandbox) listTaskDefinitionFamilies(c *call, in *listInput) (*familiesOutput, error) {
	status := cmp.Or(in.Status, "ACTIVE")
	if !slices.Contains([]string{"ACTIVE", "INACTIVE", "ALL"}, status) {
		return nil, ecsInvalid("status must be ACTIVE, INACTIVE or ALL (got %s)", clip(in.Status))
	}
	var names []string
	for _, arn := range s.world.ListTaskDefinitions(c.region, "", "ACTIVE") {
		names = append(names, familyOf(arn))
	}
	slices.Sort(names)
	active := slices.Compact(names)
	out := active
	if status != "ACTIVE" {
		out = nil
		for _, name := range s.world.Families(c.region) {
			if status == "ALL" || !slices.Contains(active, name) {
				out = append(out, name)
			}
		}
	}
	out = slices.DeleteFunc(slices.Clone(out), func(name string) bool { return !strings.HasPrefix(name, in.FamilyPrefix) })
	page, next, err := in.pageOf(out, listPageMax)
	if err != nil {
		return nil, err
	}
	return &familiesOutput{page, next}, nil
}

type deletedOutput struct {
	TaskDefinitions []map[string]any `json:"taskDefinitions"`
	Failures        []failureJSON    `json:"failures"`
}

// deleteTaskDefinitions takes revisions that are deregistered; ECS deletes them when nothing uses them any more.
func (s *Sandbox) deleteTaskDefinitions(c *call, in *struct {
	TaskDefinitions []string `json:"taskDefinitions"`
}) (*deletedOutput, error) {
	if len(in.TaskDefinitions) == 0 || len(in.TaskDefinitions) > 10 {
		return nil, ecsInvalid("taskDefinitions must have between 1 and 10 items.")
	}
	out := &deletedOutput{TaskDefinitions: []map[string]any{}, Failures: []failureJSON{}}
	for _, given := range in.TaskDefinitions {
		name, err := s.nameOf(c, given)
		if err != nil {
			return nil, err
		}
		d, err := s.world.DescribeTaskDefinition(c.region, name)
		switch {
		case err != nil || !strings.Contains(name, ":"):
			out.Failures = append(out.Failures, failureJSON{ARN: given, Reason: "The specified task definition does not exist."})
		case d.Status == "ACTIVE":
			out.Failures = append(out.Failures, failureJSON{ARN: d.ARN, Reason: "The specified task definition is still in ACTIVE status. Please deregister the target and try again."})
		default:
			made := s.definitionJSON(&d)
			made["status"] = "DELETE_IN_PROGRESS"
			out.TaskDefinitions = append(out.TaskDefinitions, made)
		}
	}
	return out, nil
}

// executeCommand refuses: no container runs, so that there is nothing to execute in.
func (s *Sandbox) executeCommand(c *call, in *struct {
	Cluster string `json:"cluster"`
	Task    string `json:"task"`
}) (*empty, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	id, err := s.nameIn(c, cluster, in.Task)
	if err != nil {
		return nil, err
	}
	found, _, err := s.world.DescribeTasks(c.region, cluster, []string{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ecsInvalid("The referenced task was not found.")
	}
	return nil, refuse("TargetNotConnectedException", "The execute command failed due to an internal error. Try again later.")
}
