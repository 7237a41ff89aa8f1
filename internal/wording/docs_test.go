package wording

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

var update = flag.Bool("update", false, "write docs/reasons.md")

// TestReasonsDocumentIsCurrent keeps docs/reasons.md equal to the closed set.
func TestReasonsDocumentIsCurrent(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("# Reasons\n\nEvery decision carries one reason, and findings with further ones, from this closed set. The same\n" +
		"strings appear in JSON, logs, metrics and notices. This page is generated from the code.\n\n| reason | meaning |\n| --- | --- |\n")
	for _, r := range failover.Reasons() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r, Reason(r))
	}
	const path = "../../docs/reasons.md"
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Errorf("%s is stale: run go test ./internal/wording -update", path)
	}
}
