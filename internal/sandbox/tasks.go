package sandbox

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

type listTasksOutput struct {
	TaskArns  []string `json:"taskArns"`
	NextToken string   `json:"nextToken,omitempty"`
}

func (s *Sandbox) listTasks(c *call, in *listInput) (*listTasksOutput, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	service, err := s.nameIn(c, cluster, in.ServiceName)
	if err != nil {
		return nil, err
	}
	if in.DesiredStatus != "" && !slices.Contains([]string{"RUNNING", "PENDING", "STOPPED"}, in.DesiredStatus) {
		return nil, ecsInvalid("desiredStatus must be RUNNING, PENDING or STOPPED (got %s)", clip(in.DesiredStatus))
	}
	arns, err := s.world.ListTasks(c.region, ecsim.ListTasksInput{Cluster: cluster, Service: service, Family: in.Family, StartedBy: in.StartedBy,
		DesiredStatus: ecsim.Status(in.DesiredStatus)})
	if err != nil {
		return nil, err
	}
	arns, next, err := in.pageOf(arns, listPageMax)
	if err != nil {
		return nil, err
	}
	return &listTasksOutput{arns, next}, nil
}

type tasksInput struct {
	Cluster           string   `json:"cluster"`
	Tasks             []string `json:"tasks"`
	Include           []string `json:"include"`
	ProtectionEnabled bool     `json:"protectionEnabled"`
	ExpiresInMinutes  *int     `json:"expiresInMinutes"`
	Task              string   `json:"task"`   // StopTask
	Reason            string   `json:"reason"` // StopTask
}

type tasksOutput struct {
	Tasks    []taskJSON[float64] `json:"tasks"`
	Failures []failureJSON       `json:"failures"`
}

// resolve returns the cluster and the ids of the tasks a call names.
func (s *Sandbox) resolve(c *call, in *tasksInput, most int) (cluster string, ids []string, err error) {
	cluster, err = s.cluster(c, in.Cluster)
	if err != nil {
		return "", nil, err
	}
	if len(in.Tasks) > most {
		return "", nil, ecsInvalid("Tasks cannot have more than %d elements.", most)
	}
	ids, err = s.namesIn(c, cluster, in.Tasks)
	return cluster, ids, err
}

func (s *Sandbox) describeTasks(c *call, in *tasksInput) (*tasksOutput, error) {
	cluster, ids, err := s.resolve(c, in, describeTasksMax)
	if err != nil {
		return nil, err
	}
	if err := mustExist(s, c.region, cluster); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, ecsInvalid("Tasks cannot be empty.")
	}
	found, failures, err := s.world.DescribeTasks(c.region, cluster, ids)
	if err != nil {
		return nil, err
	}
	return s.tasksOutput(found, failures, includesTags(in.Include)), nil
}

func (s *Sandbox) tasksOutput(found []ecsim.Task, failures []ecsim.Failure, tags bool) *tasksOutput {
	out := &tasksOutput{Tasks: make([]taskJSON[float64], len(found)), Failures: fromFailures(failures)}
	for i := range found {
		out.Tasks[i] = newTaskJSON(s, &found[i], epoch)
		out.Tasks[i].setHealth(found[i].Health)
		if tags {
			out.Tasks[i].Tags = fromTags(found[i].Tags)
		}
	}
	return out
}

type runTaskInput struct {
	Cluster                  string          `json:"cluster"`
	TaskDefinition           string          `json:"taskDefinition"`
	Count                    *int            `json:"count"`
	CapacityProviderStrategy []strategyJSON  `json:"capacityProviderStrategy"`
	LaunchType               string          `json:"launchType"`
	Group                    string          `json:"group"`
	StartedBy                string          `json:"startedBy"`
	NetworkConfiguration     json.RawMessage `json:"networkConfiguration"`
	Tags                     []tagJSON       `json:"tags"`
	ClientToken              string          `json:"clientToken"`
	Overrides                json.RawMessage `json:"overrides"`
	PlatformVersion          string          `json:"platformVersion"`
	EnableExecuteCommand     bool            `json:"enableExecuteCommand"`
}

func (s *Sandbox) runTask(c *call, in *runTaskInput) (*tasksOutput, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	service := serviceInput{LaunchType: in.LaunchType, CapacityProviderStrategy: in.CapacityProviderStrategy}
	if err := mustExist(s, c.region, cluster); err != nil {
		return nil, err
	}
	if err := service.check(); err != nil {
		return nil, err
	}
	if err := s.checkTasks(c, in.TaskDefinition, in.NetworkConfiguration); err != nil {
		return nil, err
	}
	if err := s.checkRun(c.region, in); err != nil {
		return nil, err
	}
	count := 1
	if in.Count != nil {
		count = *in.Count
	}
	return once(s, c, in.ClientToken, runTokenMax, func() (*tasksOutput, error) { return s.placeTasks(c, cluster, count, in) })
}

var starter = regexp.MustCompile("^[A-Za-z0-9_/-]{0,128}$")

// checkRun refuses what ECS does not take of a task of no service (S35).
func (s *Sandbox) checkRun(region string, in *runTaskInput) error {
	switch {
	case strings.HasPrefix(in.Group, "service:"):
		return ecsInvalid("Invalid namespace for group.")
	case !starter.MatchString(in.StartedBy):
		return ecsInvalid("startedBy must be at most 128 letters, digits, hyphens, forward slashes and underscores")
	}
	d, err := s.world.DescribeTaskDefinition(region, in.TaskDefinition)
	var made taskDefinitionInput
	if err != nil || json.Unmarshal(d.Raw, &made) != nil {
		return nil // RunTask itself refuses what is not there; what the sandbox made has no containers to name
	}
	for _, o := range in.overridden() {
		if !slices.ContainsFunc(made.ContainerDefinitions, func(d containerDefinition) bool { return d.Name == o.Name }) {
			return ecsInvalid("Override for container named %s is not a container in the TaskDefinition.", clip(o.Name))
		}
	}
	return nil
}

func (s *Sandbox) placeTasks(c *call, cluster string, count int, in *runTaskInput) (*tasksOutput, error) {
	strategy, err := s.strategyIn(c.region, cluster, in.LaunchType, in.CapacityProviderStrategy)
	if err != nil {
		return nil, err
	}
	main := ""
	if d, err := s.world.DescribeTaskDefinition(c.region, in.TaskDefinition); err == nil {
		main = d.Container
	}
	made, failures, err := s.world.RunTask(c.region, ecsim.RunTaskInput{Cluster: cluster, TaskDefinition: in.TaskDefinition, Count: count,
		Strategy: toStrategy(strategy), Zones: zonesOf(c.region, in.NetworkConfiguration), Group: in.Group,
		StartedBy: in.StartedBy, Tags: toTags(in.Tags), Program: in.program(main), Said: in.said()})
	if err != nil {
		return nil, err
	}
	return s.tasksOutput(made, failures, true), nil
}

type taskOutput struct {
	Task taskJSON[float64] `json:"task"`
}

func (s *Sandbox) stopTask(c *call, in *tasksInput) (*taskOutput, error) {
	cluster, err := s.cluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	id, err := s.nameIn(c, cluster, in.Task)
	if err != nil {
		return nil, err
	}
	stopped, err := s.world.StopTask(c.region, cluster, id, in.Reason)
	if err != nil {
		return nil, err
	}
	return &taskOutput{newTaskJSON(s, &stopped, epoch)}, nil
}

type protectionJSON struct {
	TaskArn           string  `json:"taskArn"`
	ProtectionEnabled bool    `json:"protectionEnabled"`
	ExpirationDate    float64 `json:"expirationDate,omitempty"`
}

type protectionOutput struct {
	ProtectedTasks []protectionJSON `json:"protectedTasks"`
	Failures       []failureJSON    `json:"failures"`
}

func protections(given []ecsim.Protection, failures []ecsim.Failure) *protectionOutput {
	out := &protectionOutput{ProtectedTasks: make([]protectionJSON, len(given)), Failures: fromFailures(failures)}
	for i, p := range given {
		out.ProtectedTasks[i] = protectionJSON{p.TaskARN, p.Enabled, epoch(p.Expires)}
	}
	return out
}

func (s *Sandbox) updateTaskProtection(c *call, in *tasksInput) (*protectionOutput, error) {
	cluster, ids, err := s.resolve(c, in, protectionMax)
	if err != nil {
		return nil, err
	}
	minutes := 120
	if in.ExpiresInMinutes != nil {
		minutes = *in.ExpiresInMinutes
	}
	if minutes < 1 || minutes > 2880 {
		return nil, ecsInvalid("expiresInMinutes must be between 1 and 2880")
	}
	given, failures, err := s.world.UpdateTaskProtection(c.region, cluster, ids, in.ProtectionEnabled, time.Duration(minutes)*time.Minute)
	if err != nil {
		return nil, err
	}
	return protections(given, failures), nil
}

func (s *Sandbox) getTaskProtection(c *call, in *tasksInput) (*protectionOutput, error) {
	cluster, ids, err := s.resolve(c, in, describeTasksMax)
	if err != nil {
		return nil, err
	}
	given, failures, err := s.world.GetTaskProtection(c.region, cluster, ids)
	if err != nil {
		return nil, err
	}
	return protections(given, failures), nil
}
