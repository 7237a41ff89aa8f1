package sandbox_test

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestAnswersHaveTheShapesOfBotocoresModels asks with AWS's own client for Python, whose models name every member, its
// type and its values.
func TestAnswersHaveTheShapesOfBotocoresModels(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: starts Python")
	}
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import botocore").Run(); err != nil {
		t.Skip("skipped: no python3 with botocore (Debian: apt-get install python3-botocore)")
	}
	s, url := serve(t, sandbox.Options{}, "127.0.0.1:0")
	if err := s.SetupTwins("prod", "api", 3); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/conform.py", url)
	cmd.Env = append(cmd.Environ(), "NO_PROXY=127.0.0.1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if len(out) > 0 {
		t.Errorf("not as in the models:\n%s", out)
	}
}
