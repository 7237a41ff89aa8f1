package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

var (
	fenced   = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
	template = regexp.MustCompile(`\$?\{\{[^}]*\}\}|\$\([^)]*\)`) // of Airflow, GitHub and the shell
	word     = regexp.MustCompile(`'([^']*)'|"([^"]*)"|([^\s'"]+)`)
)

// words are the arguments of `backstop run-task` in a line of a shell, and of a Python list of texts.
func words(line string) (args []string) {
	for _, m := range word.FindAllStringSubmatch(line, -1) {
		plain := strings.Trim(m[3], ",")
		if strings.HasPrefix(plain, ">") || plain == "|" || plain == "]" {
			break
		}
		if m[3] != "," {
			args = append(args, m[1]+m[2]+m[3])
		}
	}
	return args
}

// recipes are the argument lists of run-task in a block of a page.
func recipes(block string) (all [][]string) {
	block = strings.ReplaceAll(template.ReplaceAllString(block, "x"), "\\\n", " ")
	for _, list := range regexp.MustCompile(`(?s)\[\s*"backstop", ("run-task".*?)\n?\s*\]\n`).FindAllStringSubmatch(block, -1) {
		text := strings.NewReplacer(`"report-" + context.run_id`, `"x"`, "*self.flags,", `"--task-definition", "job",`, "self.token", `"x"`).Replace(list[1])
		all = append(all, words(text+"]"))
	}
	for _, m := range regexp.MustCompile(`(?m)(?:^|\s)backstop (run-task .*)$`).FindAllStringSubmatch(block, -1) {
		all = append(all, words(m[1]))
	}
	return all
}

// TestTheRecipesAreWritten as the command takes them: each line of the pages about run-task is parsed by the real command line, which is stopped before it
// calls anything; Python is compiled and YAML is read.
func TestTheRecipesAreWritten(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what is understood ends before anything is called
	parsed := map[string]int{}
	for _, page := range []string{"run-task.md", "workflows.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
			for _, args := range recipes(m[2]) {
				parsed[m[1]]++
				var out bytes.Buffer
				s := IO{In: strings.NewReader(""), Out: &out, Err: &out, Env: func(string) string { return "" }}
				if code := Main(ctx, args, s); code == ExitUsage {
					t.Errorf("%s: %q\n%s", page, args, out.String())
				}
			}
			switch m[1] {
			case "python":
				compiles(t, page, m[2])
			case "yaml":
				var any map[string]any
				if err := yaml.Unmarshal([]byte(m[2]), &any); err != nil || any["jobs"] == nil && any["tasks"] == nil { // a workflow, or a piece of the configuration
					t.Errorf("%s: %v\n%s", page, err, m[2])
				}
			}
		}
	}
	if parsed["sh"] < 3 || parsed["python"] != 3 || parsed["yaml"] != 1 {
		t.Errorf("commands that were found: %v", parsed)
	}
}

func compiles(t *testing.T, page, text string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Logf("%s: no python3 here to compile with", page)
		return
	}
	path := filepath.Join(t.TempDir(), "recipe.py")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), python, "-m", "py_compile", path).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", page, err, out)
	}
}
