package config

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Limits. They are far above what a person writes and keep a hostile file cheap.
const (
	// bytesMax is the largest file read, in bytes.
	bytesMax = 1 << 20
	// workloadsMax bounds the workloads of one file: what one daemon can look at within a minute.
	workloadsMax = 5000
	// valuesMax bounds the values in a file, each use of an alias counted. 5,000 workloads of two pools with
	// seven keys each are 100,000.
	valuesMax = 300_000
	// depthMax bounds nesting; the deepest key of the format is at 6. It also ends aliases that contain
	// themselves.
	depthMax = 16
	// problemsMax bounds the problems that are kept; a person reads fewer.
	problemsMax = 100
	// shownMax is how much of a value is shown in a problem, in characters.
	shownMax = 60
	// keysShown is up to how many known keys are listed beside an unknown one.
	keysShown = 12
)

// Parse reads a configuration. name is the file's, for messages. Either the file is without fault, and what
// is merely odd is in its Warnings, or the error is an [*Error] with everything that is wrong.
func Parse(data []byte, name string) (*File, error) {
	c := &checker{name: name}
	root := c.load(data)
	var f *File
	if root != nil {
		v := c.check(&spec, root, "", 0)
		if c.values > valuesMax {
			c.problems = append(c.problems, Problem{File: name, Text: fmt.Sprintf("must have at most %d values, every use of an alias counted", valuesMax)})
		} else {
			f = c.build(v)
		}
	}
	if len(c.problems) > 0 {
		sortByPlace(c.problems)
		return nil, &Error{Problems: c.problems, More: c.more}
	}
	sortByPlace(c.warnings)
	f.Warnings = c.warnings
	return f, nil
}

// checker collects problems.
type checker struct {
	name     string
	values   int
	problems []Problem
	warnings []Problem
	more     int
}

func (c *checker) add(p Problem) {
	p.File = c.name
	list := &c.problems
	if p.Warning {
		list = &c.warnings
	}
	if len(*list) >= problemsMax {
		if !p.Warning {
			c.more++
		}
		return
	}
	*list = append(*list, p)
}

// load returns the document's root, or nil and a problem.
func (c *checker) load(data []byte) *yaml.Node {
	if len(data) > bytesMax {
		c.add(Problem{Text: fmt.Sprintf("must be at most %d bytes", bytesMax), Value: fmt.Sprintf("%d bytes", len(data))})
		return nil
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		c.add(syntaxProblem(err))
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		c.add(Problem{Text: "must hold one YAML document"})
		return nil
	}
	return doc.Content[0]
}

// syntaxProblem turns the YAML library's error into one of ours.
func syntaxProblem(err error) Problem {
	text := err.Error()
	switch {
	case strings.Contains(text, "no documents in stream"):
		return Problem{Text: "is empty", Hint: "`backstop init` writes one from live services"}
	case strings.Contains(text, "expected single document"):
		return Problem{Text: "must hold one YAML document", Value: "several"}
	}
	load, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return Problem{Text: "is not YAML: " + text}
	}
	p := Problem{Text: "is not YAML: " + load.Message, Line: load.Mark.Line, Column: load.Mark.Column}
	if strings.Contains(text, "cannot start any token") {
		p.Hint = "indent with spaces, not tabs, and quote text that begins with @, ` or %"
	}
	return p
}
