package sandbox

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// program is what the sandbox can run: it has no containers, and knows one program.
var program = regexp.MustCompile(`^(?:(?:/bin/)?sh -c )?sleep ([0-9]{1,7})(?:; *exit ([0-9]{1,3}))?$`)

// programOf reads what a container does. What is not a sleep of so many seconds, with an exit code after it or without, runs until it is stopped.
func programOf(entryPoint, command []string) ecsim.Program {
	m := program.FindStringSubmatch(strings.Join(append(append([]string(nil), entryPoint...), command...), " "))
	if m == nil {
		return ecsim.Program{}
	}
	seconds, _ := strconv.Atoi(m[1])
	code, _ := strconv.Atoi(m[2])
	return ecsim.Program{Runs: time.Duration(seconds) * time.Second, Exit: code}
}

// program is what a RunTask call has the container do instead of what its task definition says; nil where it says nothing.
func (in *runTaskInput) program() *ecsim.Program {
	var said struct {
		ContainerOverrides []struct {
			Command []string `json:"command"`
		} `json:"containerOverrides"`
	}
	_ = json.Unmarshal(in.Overrides, &said) // what has another form has no command
	for _, o := range said.ContainerOverrides {
		if len(o.Command) > 0 {
			p := programOf(nil, o.Command)
			return &p
		}
	}
	return nil
}

// saidJSON is what ECS repeats of a RunTask call.
type saidJSON struct {
	Overrides            json.RawMessage `json:"overrides,omitempty"`
	PlatformVersion      string          `json:"platformVersion,omitempty"`
	EnableExecuteCommand bool            `json:"enableExecuteCommand,omitempty"`
}

// said is what a task is shown with, as its call had it; empty where the call said nothing.
func (in *runTaskInput) said() string {
	all := saidJSON{in.Overrides, in.PlatformVersion, in.EnableExecuteCommand}
	if in.PlatformVersion == "LATEST" {
		all.PlatformVersion = ""
	}
	if len(all.Overrides) == 0 && all.PlatformVersion == "" && !all.EnableExecuteCommand {
		return ""
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "" // what came as JSON is JSON
	}
	return string(text)
}
