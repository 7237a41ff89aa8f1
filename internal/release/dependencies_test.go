package release

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/dependencies.md")

// module is one module that is linked into a program.
type module struct{ path, version, dir string }

// linked lists the modules that a program's packages come from, as it is shipped: for Linux, and without cgo.
func linked(t *testing.T, program string, tags string) []module {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", tags,
		"-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", program)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []module
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 {
			all = append(all, module{f[0], f[1], f[2]})
		}
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return slices.Compact(all)
}

// licences are the ones that may be linked, by a sentence that stands in each and in no other of them, the more special one first.
var licences = []struct{ name, mark string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"BSD-3-Clause", "Neither the name of"},
	{"BSD-3-Clause", "may be used to endorse or promote products"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"Unlicense", "This is free and unencumbered software released into the public domain"},
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|unlicense)([.-].*)?$`)
	blanks      = regexp.MustCompile(`\s+`)
)

// licenceOf reads what a module is licensed under from its own file; more than one are joined.
func licenceOf(t *testing.T, m module) string {
	t.Helper()
	files, err := os.ReadDir(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		if f.IsDir() || !licenceFile.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		flat := string(blanks.ReplaceAll(text, []byte(" ")))
		for _, l := range licences {
			if strings.Contains(flat, l.mark) {
				found = append(found, l.name)
				break
			}
		}
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " and ")
}

// TestDependenciesAreListed: docs/dependencies.md has every module that is linked into what is shipped, its version and its licence,
// and every licence is one that may be linked. -update writes the page.
func TestDependenciesAreListed(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not on the PATH")
	}
	programs := []string{"backstop", "backstop-lambda"}
	in := map[string][]string{}
	all := map[string]module{}
	for i, tags := range []string{"", "lambda.norpc"} {
		for _, m := range linked(t, "./cmd/"+programs[i], tags) {
			all[m.path] = m
			in[m.path] = append(in[m.path], "`"+programs[i]+"`")
		}
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, "# Dependencies\n\nThe %d modules that are linked into the programs, and what each is licensed under by its own file. Made by `go test ./internal/release -update`; "+
		"a test holds it. What only tests and\ntools use is not shipped and not listed; [NOTICE](../NOTICE) has the notices that licences ask for. The dashboard's pages contain uPlot (MIT).\n\n"+
		"The decision core and the model of ECS (`failover`, `ecsim`) have no dependencies.\n\n| module | version | licence | in |\n| --- | --- | --- | --- |\n", len(all))
	paths := make([]string, 0, len(all))
	for path := range all {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		m := all[path]
		licence := licenceOf(t, m)
		if licence == "" {
			t.Errorf("%s %s has no licence that is known to be allowed; look at %s", m.path, m.version, m.dir)
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", m.path, m.version, licence, strings.Join(in[path], ", "))
	}
	const file = "../../docs/dependencies.md"
	if *update {
		if err := os.WriteFile(file, page.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, page.Bytes()) {
		t.Errorf("docs/dependencies.md is stale (%v): run go test ./internal/release -update", err)
	}
}
