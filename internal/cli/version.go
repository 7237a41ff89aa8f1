package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is set by the build (-ldflags "-X ...cli.Version=v1.2.3"); empty: taken from the module.
var Version string

// versionFacts is the answer of `backstop version`.
type versionFacts struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

type versionOptions struct{ output string }

func newVersionCommand(s IO) *cobra.Command { return newVersion(s, runVersion) }

func newVersion(s IO, run func(IO, versionOptions) error) *cobra.Command {
	var o versionOptions
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  atMost(0, ""),
		RunE:  func(*cobra.Command, []string) error { return run(s, o) },
	}
	outputFlag(cmd, &o.output)
	return cmd
}

func runVersion(s IO, o versionOptions) error {
	v := facts()
	if o.output == outputJSON {
		return json.NewEncoder(s.Out).Encode(v)
	}
	_, err := fmt.Fprintf(s.Out, "backstop %s\n", versionText())
	return err
}

func facts() versionFacts {
	v := versionFacts{Version: Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	return v
}

func versionText() string {
	v := facts()
	text := v.Version
	if len(v.Revision) >= 12 {
		text += " (" + v.Revision[:12] + ")"
	}
	return text + " " + v.Go + " " + v.Platform
}
