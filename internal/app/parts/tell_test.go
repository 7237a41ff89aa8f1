package parts

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"

	"github.com/backstop-ecs/backstop/internal/journal"
)

// TestASecretThatIsNotThereIsToldAtTheStart: not when the first notice is due, and never with what it holds.
func TestASecretThatIsNotThereIsToldAtTheStart(t *testing.T) {
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, []byte("https://hooks.slack.com/services/T0/B0/verysecret"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BACKSTOP_TEST_THERE", "https://hooks.slack.com/services/T0/B0/verysecret")
	f, err := config.Parse([]byte(`version: 1
region: us-east-1
notify:
  - slack: {secret: "env:BACKSTOP_TEST_THERE"}
  - slack: {secret: "env:BACKSTOP_TEST_ABSENT"}
  - webhook: {secret: "file:`+there+`"}
  - webhook: {secret: "file:`+there+`.not"}
workloads:
  - name: api
    pools:
      - {name: spot, cluster: c, service: s-spot, capacity: FARGATE_SPOT}
      - {name: standard, cluster: c, service: s-standard, capacity: FARGATE}
`), "backstop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	var log bytes.Buffer
	if Desk(aws.Config{}, f, store, nil, slog.New(slog.NewJSONHandler(&log, nil))) == nil {
		t.Fatal("there is no desk")
	}
	said := log.String()
	if n := strings.Count(said, "its secret cannot be read"); n != 2 || !strings.Contains(said, `"secret":"env:BACKSTOP_TEST_ABSENT"`) ||
		!strings.Contains(said, there+".not") || strings.Contains(said, "verysecret") {
		t.Errorf("%d secrets are told of:\n%s", n, said)
	}
}

// TestAReceiverKeepsItsNameInAnotherOrder: a notice that waits is kept for a name, and the list may be written anew meanwhile.
func TestAReceiverKeepsItsNameInAnotherOrder(t *testing.T) {
	const url = "https://hooks.slack.com/services/T0/B0/verysecret"
	names := map[string]bool{}
	for _, text := range []string{
		`[{slack: {secret: "env:A"}}, {webhook: {secret: "file:/etc/a"}}, {slack: {url: "` + url + `"}}, {webhook: {url: "https://a.example/b"}}]`,
		`[{webhook: {url: "https://a.example/b"}}, {slack: {url: "` + url + `"}}, {webhook: {secret: "file:/etc/a"}}, {slack: {secret: "env:A"}}]`,
	} {
		f, err := config.Parse([]byte("version: 1\nregion: us-east-1\nnotify: "+text+`
workloads:
  - name: api
    pools:
      - {name: spot, cluster: c, service: s-spot, capacity: FARGATE_SPOT}
      - {name: standard, cluster: c, service: s-standard, capacity: FARGATE}
`), "backstop.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range f.Notify {
			name := receiver("Slack", n.Slack)
			if n.Slack.IsZero() {
				name = receiver("webhook", n.Webhook)
			}
			if strings.Contains(name, "verysecret") || strings.Contains(name, "example") {
				t.Errorf("the name %q tells of the URL", name)
			}
			names[name] = true
		}
	}
	if len(names) != 4 || !names["Slack env:A"] || !names["webhook file:/etc/a"] {
		t.Errorf("four receivers have the names %v", names)
	}
}
