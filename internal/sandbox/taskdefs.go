package sandbox

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// labelSIGTERM is the docker label by which a container definition says what its process does on SIGTERM.
const (
	labelSIGTERM = "backstop.sandbox/on-sigterm"
	sigtermObey  = "obey"
	sigtermUse   = "use-warning"
	labelWarmUp  = "backstop.sandbox/warm-up-seconds" // how long after RUNNING its application answers
)

type containerDefinition struct {
	Name         string            `json:"name"`
	Image        string            `json:"image"`
	Memory       *int              `json:"memory"`
	Reservation  *int              `json:"memoryReservation"`
	Essential    *bool             `json:"essential"`
	StopTimeout  int               `json:"stopTimeout"`
	DockerLabels map[string]string `json:"dockerLabels"`
	EntryPoint   []string          `json:"entryPoint"`
	Command      []string          `json:"command"`
	Secrets      []struct {
		ValueFrom string `json:"valueFrom"`
	} `json:"secrets"`
	LogConfiguration struct {
		LogDriver string            `json:"logDriver"`
		Options   map[string]string `json:"options"`
	} `json:"logConfiguration"`
	HealthCheck *struct {
		Command                        []string `json:"command"`
		Interval, Retries, StartPeriod int
	} `json:"healthCheck"`
}

type taskDefinitionInput struct {
	Family                  string                `json:"family"`
	CPU                     *string               `json:"cpu"`
	Memory                  *string               `json:"memory"`
	NetworkMode             string                `json:"networkMode"`
	PidMode                 string                `json:"pidMode"`
	RequiresCompatibilities []string              `json:"requiresCompatibilities"`
	ContainerDefinitions    []containerDefinition `json:"containerDefinitions"`
	RuntimePlatform         struct {
		CPUArchitecture string `json:"cpuArchitecture"`
	} `json:"runtimePlatform"`
	Tags []tagJSON `json:"tags"`
}

type taskDefinitionOutput struct {
	TaskDefinition map[string]any `json:"taskDefinition"`
	Tags           []tagJSON      `json:"tags,omitempty"`
}

// missingImage ends the image that no registry has, missingSecret the name of a secret that is not there.
const missingImage, missingSecret = ":does-not-exist", "-does-not-exist"

func (s *Sandbox) registerTaskDefinition(c *call, in *taskDefinitionInput) (*taskDefinitionOutput, error) {
	if len(in.ContainerDefinitions) == 0 {
		return nil, refuse("ClientException", "Container list cannot be empty.")
	}
	if refused := in.checkContainers(); refused != nil {
		return nil, refused
	}
	cpu, memory, refused := in.taskSize()
	if refused == nil && slices.Contains(in.RequiresCompatibilities, ecsim.Fargate) {
		refused = in.checkFargate(cpu, memory)
	}
	if refused != nil {
		return nil, refused
	}
	main := in.ContainerDefinitions[0]
	for _, d := range in.ContainerDefinitions {
		if d.Essential == nil || *d.Essential {
			main = d
			break
		}
	}
	if main.StopTimeout != 0 && (main.StopTimeout < 2 || main.StopTimeout > 120) {
		return nil, refuse("ClientException", "The stopTimeout of a task on Fargate must be between 2 and 120 seconds.")
	}
	behaviour := ecsim.BehaviourDefault
	switch main.DockerLabels[labelSIGTERM] {
	case sigtermObey:
		behaviour = ecsim.ObeySIGTERM
	case sigtermUse:
		behaviour = ecsim.UseWarning
	}
	warmUp, check, err := main.readiness()
	if err != nil {
		return nil, err
	}
	broken := ecsim.FailNone
	if strings.HasSuffix(main.Image, missingImage) {
		broken = ecsim.FailImagePull
	}
	for _, secret := range main.Secrets {
		if strings.HasSuffix(secret.ValueFrom, missingSecret) {
			broken = ecsim.FailSecrets
		}
	}
	d, err := s.world.RegisterTaskDefinition(c.region, ecsim.TaskDefinitionInput{Family: in.Family, CPU: cpu, Memory: memory,
		Arch: in.RuntimePlatform.CPUArchitecture, StopTimeout: time.Duration(main.StopTimeout) * time.Second, OnSIGTERM: behaviour,
		WarmUp: warmUp, HealthCheck: check, Program: programOf(main.EntryPoint, main.Command), Container: main.Name, Image: main.Image, Broken: broken, Tags: toTags(in.Tags), Raw: c.body})
	if err != nil {
		return nil, err
	}
	return &taskDefinitionOutput{s.definitionJSON(&d), fromTags(d.Tags)}, nil
}

// definitionJSON gives back what was registered, with what ECS adds to it.
func (s *Sandbox) definitionJSON(d *ecsim.TaskDefinition) map[string]any {
	out := map[string]any{}
	given := map[string]json.RawMessage{}
	if len(d.Raw) > 0 && json.Unmarshal(d.Raw, &given) == nil {
		for name, value := range given {
			if name != "tags" && string(value) != "null" {
				out[name] = value
			}
		}
		fillDefinition(out)
	} else {
		out["containerDefinitions"] = []map[string]any{{"name": orDefault(d.Container, "app"), "image": d.Image, "essential": true,
			"stopTimeout": int(d.StopTimeout / time.Second)}}
		out["networkMode"], out["requiresCompatibilities"] = networkAwsvpc, []string{ecsim.Fargate}
		out["cpu"], out["memory"] = d.CPU, d.Memory
	}
	for _, list := range []string{"volumes", "placementConstraints"} {
		if out[list] == nil {
			out[list] = []empty{}
		}
	}
	out["compatibilities"] = []string{"EXTERNAL", "EC2"}
	if forFargate(d) {
		out["compatibilities"] = []string{"EC2", ecsim.Fargate}
	}
	if out["networkMode"] == nil {
		out["networkMode"] = "bridge"
	}
	out["taskDefinitionArn"] = d.ARN
	out["family"] = d.Family
	out["revision"] = d.Revision
	out["status"] = d.Status
	for name, n := range map[string]int{"cpu": d.CPU, "memory": d.Memory} {
		if out[name] != nil { // as it was given, in units
			out[name] = strconv.Itoa(n)
		}
	}
	out["runtimePlatform"] = map[string]string{"cpuArchitecture": orDefault(d.Arch, "X86_64"), "operatingSystemFamily": "LINUX"}
	out["registeredAt"] = epoch(d.CreatedAt)
	out["registeredBy"] = "arn:aws:iam::" + s.account() + ":user/sandbox"
	return out
}

func (s *Sandbox) describeTaskDefinition(c *call, in *struct {
	TaskDefinition string   `json:"taskDefinition"`
	Include        []string `json:"include"`
}) (*taskDefinitionOutput, error) {
	name, err := s.nameOf(c, in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	d, err := s.world.DescribeTaskDefinition(c.region, name)
	if err != nil {
		return nil, err
	}
	out := &taskDefinitionOutput{TaskDefinition: s.definitionJSON(&d)}
	if includesTags(in.Include) {
		out.Tags = fromTags(d.Tags)
	}
	return out, nil
}

type listTaskDefinitionsOutput struct {
	TaskDefinitionArns []string `json:"taskDefinitionArns"`
	NextToken          string   `json:"nextToken,omitempty"`
}

// listTaskDefinitions orders by family and revision, as text: revision 10 comes before 2.
func (s *Sandbox) listTaskDefinitions(c *call, in *listInput) (*listTaskDefinitionsOutput, error) {
	status := orDefault(in.Status, "ACTIVE")
	if status != "ACTIVE" && status != "INACTIVE" && status != "DELETE_IN_PROGRESS" {
		return nil, ecsInvalid("status must be ACTIVE, INACTIVE or DELETE_IN_PROGRESS (got %s)", clip(in.Status))
	}
	arns, next, err := in.pageOf(s.world.ListTaskDefinitions(c.region, in.FamilyPrefix, status), listPageMax)
	if err != nil {
		return nil, err
	}
	if in.Sort == "DESC" { // within the page
		for i, j := 0, len(arns)-1; i < j; i, j = i+1, j-1 {
			arns[i], arns[j] = arns[j], arns[i]
		}
	}
	return &listTaskDefinitionsOutput{arns, next}, nil
}

func (s *Sandbox) deregisterTaskDefinition(c *call, in *struct {
	TaskDefinition string `json:"taskDefinition"`
}) (*taskDefinitionOutput, error) {
	name, err := s.nameOf(c, in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	switch _, revision, has := strings.Cut(name, ":"); {
	case !has || revision == "":
		return nil, refuse("ClientException", "Revision is missing.")
	case !sizeInUnits.MatchString(revision):
		return nil, refuse("ClientException", "Invalid revision number. Number: %s", clip(revision))
	}
	d, err := s.world.DeregisterTaskDefinition(c.region, name)
	if err != nil {
		return nil, err
	}
	return &taskDefinitionOutput{TaskDefinition: s.definitionJSON(&d)}, nil
}

// readiness is when the container's application answers, and how that is checked.
func (d *containerDefinition) readiness() (ecsim.WarmUp, *ecsim.ContainerCheck, error) {
	var warmUp ecsim.WarmUp
	if label := d.DockerLabels[labelWarmUp]; label != "" {
		seconds, err := strconv.Atoi(label)
		if err != nil || seconds < 0 || seconds > startSecondsMax {
			return warmUp, nil, refuse("ClientException", "The label %s must be 0 to %d (got %s)", labelWarmUp, startSecondsMax, clip(label))
		}
		warmUp.P50 = time.Duration(seconds) * time.Second
		if seconds == 0 {
			warmUp.P50 = -1
		}
	}
	c := d.HealthCheck
	if c == nil {
		return warmUp, nil, nil
	}
	for _, limit := range []struct {
		name             string
		got, least, most int
	}{{"interval", c.Interval, 5, 300}, {"retries", c.Retries, 1, 10}, {"startPeriod", c.StartPeriod, 0, 300}} {
		if limit.got != 0 && (limit.got < limit.least || limit.got > limit.most) {
			return warmUp, nil, refuse("ClientException", "healthCheck %s must be between %d and %d.", limit.name, limit.least, limit.most)
		}
	}
	if len(c.Command) == 0 {
		return warmUp, nil, refuse("ClientException", "healthCheck command cannot be empty.")
	}
	return warmUp, &ecsim.ContainerCheck{Interval: time.Duration(c.Interval) * time.Second, Retries: c.Retries,
		StartPeriod: time.Duration(c.StartPeriod) * time.Second}, nil
}
