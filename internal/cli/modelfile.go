package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/scaler"
	"github.com/backstop-ecs/backstop/internal/simulate"
)

// modelMax is how large a model may be.
const modelMax = 64 << 10

func modelFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "model", "", "knobs of the model by their numbers in docs/aws-assumptions.md, as backstop verify-aws apply writes them (YAML)")
	_ = cmd.MarkFlagFilename("model", "yaml")
}

// playedModelFlag is modelFlag for the commands that play traces, whose other flags about the model do not go together with it.
func playedModelFlag(cmd *cobra.Command, to *string) {
	modelFlag(cmd, to)
	for _, flag := range []string{"start-up", "warm-up", "scale-in", "slow-share", "common-share", "unwarned-share", "hung-share"} {
		exclusive(cmd, "model", flag)
	}
}

// playModel lets what is played be the model of a file; "" changes nothing.
func playModel(file string, o *simulate.Options) error {
	if file == "" {
		return nil
	}
	model, err := readModel(file)
	if err != nil {
		return err
	}
	o.Model = func(c *ecsim.Config) { _ = model.Apply(c, &scaler.Config{}) } // it was read: no error is left
	return nil
}

// readModel reads a model.yaml; no file is no model. Every knob is tried, so that the model can be applied without an error.
func readModel(file string) (sandbox.Model, error) {
	if file == "" {
		return nil, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, usageError("--model: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > modelMax {
		return nil, usageError("--model: %s: must be a file of at most %d bytes", file, modelMax)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError("--model: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, usageError("--model: %s: is not YAML: %w", file, err)
	}
	model := sandbox.Model{}
	if len(document.Content) == 0 { // comments alone
		return model, nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, usageError("--model: %s:%d: must have a line for each knob, such as A13: 5", file, root.Line)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i]
		one, err := knobOf(key, root.Content[i+1])
		if err == nil && model[key.Value] != nil {
			err = fmt.Errorf("%s: is already set", visible(key.Value))
		}
		if err != nil {
			return nil, usageError("--model: %s:%d: %w", file, key.Line, err)
		}
		model[key.Value] = one
	}
	return model, nil
}

// knobOf reads one knob and tries it.
func knobOf(key, value *yaml.Node) (json.RawMessage, error) {
	var v any
	if err := value.Decode(&v); err != nil {
		return nil, fmt.Errorf("%s: %w", visible(key.Value), err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: must be a number, a word or an object with names", visible(key.Value))
	}
	return raw, sandbox.Model{key.Value: raw}.Apply(&ecsim.Config{}, &scaler.Config{})
}
