package sandbox

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// What the sandbox can run: it has no containers, and knows three commands of a shell, one after the other.
var (
	shell     = regexp.MustCompile(`^(?:/bin/)?sh -c +`)
	separator = regexp.MustCompile(` *(?:;|&&) *`)
	sleeps    = regexp.MustCompile(`^sleep ([0-9]{1,7})$`)
	exits     = regexp.MustCompile(`^exit ([0-9]{1,3})$`)
	echoes    = regexp.MustCompile("^echo(?: ([^$`|<>&\\\\]*))?$")
)

// commandsMax bounds the commands of a program.
const commandsMax = 100

// programOf reads what a container does: `echo TEXT`, `sleep N` and `exit C`. Where another command comes, it runs until it is stopped.
func programOf(entryPoint, command []string) ecsim.Program {
	line := strings.Join(append(append([]string(nil), entryPoint...), command...), " ")
	if line == "" {
		return ecsim.Program{}
	}
	var p ecsim.Program
	var at time.Duration
	for _, c := range separator.Split(shell.ReplaceAllString(line, ""), commandsMax) {
		if m := sleeps.FindStringSubmatch(c); m != nil {
			n, _ := strconv.Atoi(m[1])
			at += time.Duration(n) * time.Second
		} else if m := echoes.FindStringSubmatch(c); m != nil {
			p.Prints = append(p.Prints, ecsim.Print{After: at, Text: strings.Trim(m[1], `"'`)})
		} else if m := exits.FindStringSubmatch(c); m != nil {
			p.Exit, _ = strconv.Atoi(m[1])
			break
		} else {
			return ecsim.Program{Prints: p.Prints}
		}
	}
	p.Runs = max(at, time.Millisecond)
	return p
}

type containerOverride struct {
	Name    string   `json:"name"`
	Command []string `json:"command"`
}

// overridden are the containers that a RunTask call changes.
func (in *runTaskInput) overridden() []containerOverride {
	var said struct {
		ContainerOverrides []containerOverride `json:"containerOverrides"`
	}
	_ = json.Unmarshal(in.Overrides, &said) // what has another form has no command
	return said.ContainerOverrides
}

// program is what a RunTask call has the main container do instead of what its task definition says; nil where it says nothing.
func (in *runTaskInput) program(main string) *ecsim.Program {
	for _, o := range in.overridden() {
		if len(o.Command) > 0 && (o.Name == main || main == "") {
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
