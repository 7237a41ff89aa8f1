package sandbox

import (
	"encoding/json"
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
)

type containerDefinition struct {
	Name         string            `json:"name"`
	Image        string            `json:"image"`
	Essential    *bool             `json:"essential"`
	StopTimeout  int               `json:"stopTimeout"`
	DockerLabels map[string]string `json:"dockerLabels"`
}

type taskDefinitionInput struct {
	Family               string                `json:"family"`
	CPU                  string                `json:"cpu"`
	Memory               string                `json:"memory"`
	ContainerDefinitions []containerDefinition `json:"containerDefinitions"`
	RuntimePlatform      struct {
		CPUArchitecture string `json:"cpuArchitecture"`
	} `json:"runtimePlatform"`
	Tags []tagJSON `json:"tags"`
}

type taskDefinitionOutput struct {
	TaskDefinition map[string]any `json:"taskDefinition"`
	Tags           []tagJSON      `json:"tags,omitempty"`
}

// size reads CPU units or MiB as task definitions write them: 1024, or "1 vCPU", or "2 GB".
func size(text string, unit string) (int, bool) {
	if text == "" {
		return 0, true
	}
	number, scale := strings.TrimSpace(text), 1.0
	if rest, ok := strings.CutSuffix(strings.ToUpper(number), strings.ToUpper(unit)); ok {
		number, scale = strings.TrimSpace(rest), 1024
	}
	n, err := strconv.ParseFloat(number, 64)
	return int(n * scale), err == nil && n > 0 && n*scale < 1<<30
}

func (s *Sandbox) registerTaskDefinition(c *call, in *taskDefinitionInput) (*taskDefinitionOutput, error) {
	cpu, okCPU := size(in.CPU, "vCPU")
	memory, okMemory := size(in.Memory, "GB")
	switch {
	case len(in.ContainerDefinitions) == 0:
		return nil, refuse("ClientException", "Container list cannot be empty.")
	case !okCPU || !okMemory:
		return nil, refuse("ClientException", "Invalid 'cpu' or 'memory' setting for task.")
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
	d, err := s.world.RegisterTaskDefinition(c.region, ecsim.TaskDefinitionInput{Family: in.Family, CPU: cpu, Memory: memory,
		Arch: in.RuntimePlatform.CPUArchitecture, StopTimeout: time.Duration(main.StopTimeout) * time.Second, OnSIGTERM: behaviour,
		Container: main.Name, Image: main.Image, Tags: toTags(in.Tags), Raw: c.body})
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
	} else {
		out["containerDefinitions"] = []map[string]any{{"name": orDefault(d.Container, "app"), "image": d.Image, "essential": true,
			"stopTimeout": int(d.StopTimeout / time.Second)}}
	}
	for _, list := range []string{"volumes", "placementConstraints"} {
		if out[list] == nil {
			out[list] = []empty{}
		}
	}
	if out["networkMode"] == nil {
		out["networkMode"] = "awsvpc"
	}
	out["taskDefinitionArn"] = d.ARN
	out["family"] = d.Family
	out["revision"] = d.Revision
	out["status"] = d.Status
	out["cpu"] = strconv.Itoa(d.CPU)
	out["memory"] = strconv.Itoa(d.Memory)
	out["compatibilities"] = []string{"EC2", "FARGATE"}
	out["requiresCompatibilities"] = []string{"FARGATE"}
	out["runtimePlatform"] = map[string]string{"cpuArchitecture": orDefault(d.Arch, "X86_64"), "operatingSystemFamily": "LINUX"}
	out["registeredAt"] = epoch(d.CreatedAt)
	out["registeredBy"] = "arn:aws:iam::" + s.account() + ":user/sandbox"
	return out
}

func (s *Sandbox) describeTaskDefinition(c *call, in *struct {
	TaskDefinition string   `json:"taskDefinition"`
	Include        []string `json:"include"`
}) (*taskDefinitionOutput, error) {
	name, err := nameOf(c, in.TaskDefinition)
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
	arns, next, err := in.pageOf(s.world.ListTaskDefinitions(c.region, in.FamilyPrefix), listPageMax)
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
	name, err := nameOf(c, in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	d, err := s.world.DeregisterTaskDefinition(c.region, name)
	if err != nil {
		return nil, err
	}
	return &taskDefinitionOutput{TaskDefinition: s.definitionJSON(&d)}, nil
}
