package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestASecretIsNeverShown(t *testing.T) {
	f := parse(t, "complete")
	shown := []string{fmt.Sprint(f)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, f.Notify), fmt.Sprintf(verb, Literal("t0ps3cret")), fmt.Sprintf(verb, Secret{scheme: "env", name: "t0ps3cret"}))
	}
	asJSON, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("read", slog.Any("file", f), slog.Any("hook", f.Notify[2].Webhook))
	slog.New(slog.NewJSONHandler(&log, nil)).Info("read", slog.Any("file", f), slog.Any("hook", f.Notify[2].Webhook))
	for _, s := range append(shown, string(asJSON), log.String()) {
		if strings.Contains(s, "t0ps3cret") || strings.Contains(s, fmt.Sprintf("%x", "t0ps3cret")) || !strings.Contains(s, Redacted) {
			t.Errorf("shown: %s", s)
		}
	}
	if strings.Contains(string(asJSON), `"slack":""`) {
		t.Errorf("absent secrets are shown: %s", asJSON)
	}
}

func TestASecretGivesItselfToWhomItIsFor(t *testing.T) {
	if v, ok := Literal("x").Value(); v != "x" || !ok {
		t.Errorf("value %q, %v", v, ok)
	}
	for in, want := range map[string]string{
		"env:A": "env A", "ssm:/a/b": "ssm /a/b", "file:/run/a b": "file /run/a b",
		"env:": "", "env": "", "vault:x": "", "": "", "env: x": "",
	} {
		s, problem := reference(in)
		scheme, name, ok := s.Reference()
		if got := strings.TrimSpace(scheme + " " + name); got != want || ok != (want != "") || (problem == "") != ok {
			t.Errorf("%q is %q, ok=%v, problem %q", in, got, ok, problem)
		}
	}
	if !(Secret{}).IsZero() || (Secret{}).String() != "" {
		t.Error("the zero secret must be nothing")
	}
}
