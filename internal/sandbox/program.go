package sandbox

import (
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
	for _, o := range in.Overrides.ContainerOverrides {
		if len(o.Command) > 0 {
			p := programOf(nil, o.Command)
			return &p
		}
	}
	return nil
}
