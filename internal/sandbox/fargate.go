package sandbox

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Errors of RegisterTaskDefinition for what Fargate does not run. Each text is AWS's, word for word as users reported it:
// cpu in mongodb/terraform-aws-ecs-task-definition #38, memory in aws/amazon-ecs-cli #982, the pair in
// aws-games/cloud-game-development-toolkit #737, the network mode (with these quotation marks) in aws/amazon-ecs-cli #1145,
// a size that is none in the page "task definition invalid CPU or memory errors" of the ECS developer guide. What is inferred
// is in docs/aws-assumptions.md, S1 to S4; so is the order in which AWS looks, which is not documented.
const (
	needsCPU       = "Fargate requires that 'cpu' be defined at the task level."
	needsMemory    = "Fargate requires that 'memory' be defined at the task level."
	needsAwsvpc    = "Fargate only supports network mode ‘awsvpc’."
	noSuchSize     = "No Fargate configuration exists for given values: %d CPU, %d memory. See the Amazon ECS documentation for the valid values."
	invalidSetting = "Invalid '%s' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
)

const networkAwsvpc = "awsvpc"

// fargateMemory has the sizes of memory in MiB that go with a number of CPU units: ECS developer guide, "task size".
var fargateMemory = map[int][]int{
	256:   {512, 1024, 2048},
	512:   upTo(1024, 4096, 1024),
	1024:  upTo(2048, 8192, 1024),
	2048:  upTo(4096, 16384, 1024),
	4096:  upTo(8192, 30720, 1024),
	8192:  upTo(16384, 61440, 4096),
	16384: upTo(32768, 122880, 8192),
}

func upTo(least, most, step int) []int {
	var all []int
	for n := least; n <= most; n += step {
		all = append(all, n)
	}
	return all
}

// checkFargateSize refuses a size that no task on Fargate can have.
func checkFargateSize(cpu, memory int) *apiError {
	if slices.Contains(fargateMemory[cpu], memory) {
		return nil
	}
	return refuse("ClientException", noSuchSize, cpu, memory)
}

var (
	sizeInUnits = regexp.MustCompile(`^[0-9]+$`)
	sizeInFull  = regexp.MustCompile(`^([0-9]*\.?[0-9]+) *(vcpu|gb)$`)
)

// size reads CPU units or MiB as task definitions write them, 1024, or with a unit, "1 vCPU", ".25 vCPU" or "2 GB".
func size(text, unit string) (int, bool) {
	number, scale := strings.TrimSpace(text), 1.0
	if full := sizeInFull.FindStringSubmatch(strings.ToLower(number)); full != nil && full[2] == strings.ToLower(unit) {
		number, scale = full[1], 1024
	} else if !sizeInUnits.MatchString(number) {
		return 0, false
	}
	n, err := strconv.ParseFloat(number, 64)
	return int(n * scale), err == nil && n > 0 && n*scale < 1<<30
}

// taskSize is the size that a task definition gives its tasks; 0 is one that it does not name.
func (in *taskDefinitionInput) taskSize() (cpu, memory int, refused *apiError) {
	for _, f := range []struct {
		name, unit string
		given      *string
		to         *int
	}{{"cpu", "vCPU", in.CPU, &cpu}, {"memory", "GB", in.Memory, &memory}} {
		if f.given == nil {
			continue
		}
		var ok bool
		if *f.to, ok = size(*f.given, f.unit); !ok {
			return 0, 0, refuse("ClientException", invalidSetting, f.name)
		}
	}
	return cpu, memory, nil
}

// checkFargate refuses what Fargate cannot run.
func (in *taskDefinitionInput) checkFargate(cpu, memory int) *apiError {
	switch {
	case in.NetworkMode != networkAwsvpc:
		return refuse("ClientException", needsAwsvpc)
	case in.CPU == nil:
		return refuse("ClientException", needsCPU)
	case in.Memory == nil:
		return refuse("ClientException", needsMemory)
	}
	if in.PidMode != "" && in.PidMode != "task" {
		return refuse("ClientException", "Tasks using the Fargate launch type do not support pidMode '%s'. The supported value for pidMode is 'task'.", clip(in.PidMode))
	}
	return checkFargateSize(cpu, memory)
}

// checkContainers refuses containers without what each must have. It comes before what is said of the task as a whole.
func (in *taskDefinitionInput) checkContainers() *apiError {
	for _, d := range in.ContainerDefinitions {
		switch {
		case d.Name == "":
			return refuse("ClientException", "Container.name should not be null or empty.")
		case d.Image == "":
			return refuse("ClientException", "Container.image should not be null or empty.")
		case in.Memory == nil && d.Memory == nil && d.Reservation == nil && !slices.Contains(in.RequiresCompatibilities, ecsim.Fargate):
			return refuse("ClientException", "Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", clip(d.Name))
		}
	}
	return nil
}

// containerDefaults is what ECS shows of a container definition that does not name it.
var containerDefaults = map[string]json.RawMessage{"cpu": json.RawMessage("0"), "environment": json.RawMessage("[]"), "essential": json.RawMessage("true"),
	"mountPoints": json.RawMessage("[]"), "portMappings": json.RawMessage("[]"), "volumesFrom": json.RawMessage("[]")}

// fillDefinition gives a definition, as it came, what ECS adds to its containers and volumes.
func fillDefinition(out map[string]any) {
	fill := func(list string, add func(map[string]json.RawMessage)) {
		raw, ok := out[list].(json.RawMessage)
		var items []map[string]json.RawMessage
		if !ok || json.Unmarshal(raw, &items) != nil {
			return
		}
		for _, item := range items {
			add(item)
		}
		out[list] = items
	}
	fill("containerDefinitions", func(d map[string]json.RawMessage) { addMissing(d, containerDefaults) })
	fill("volumes", func(v map[string]json.RawMessage) {
		var efs map[string]json.RawMessage
		if v["efsVolumeConfiguration"] == nil || json.Unmarshal(v["efsVolumeConfiguration"], &efs) != nil || efs == nil {
			return
		}
		addMissing(efs, map[string]json.RawMessage{"rootDirectory": json.RawMessage(`"/"`)})
		if filled, err := json.Marshal(efs); err == nil {
			v["efsVolumeConfiguration"] = filled
		}
	})
}

func addMissing(to, defaults map[string]json.RawMessage) {
	for name, value := range defaults {
		if given := to[name]; given == nil || string(given) == "null" {
			to[name] = value
		}
	}
}

// forFargate says whether tasks of a definition can run on Fargate, whether it was registered for that or not. What was made
// in the model, and not over the wire, can.
func forFargate(d *ecsim.TaskDefinition) bool {
	if len(d.Raw) == 0 {
		return true
	}
	var in taskDefinitionInput
	return json.Unmarshal(d.Raw, &in) == nil && in.checkFargate(d.CPU, d.Memory) == nil
}
