package ecsim

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestLedgerCoversTheModel keeps docs/aws-assumptions.md and the model together: what the code refers to exists, and every knob is in it.
func TestLedgerCoversTheModel(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws-assumptions.md")
	if err != nil {
		t.Fatal(err)
	}
	ledger := string(text)
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (A\d+) \|`).FindAllStringSubmatch(ledger, -1) {
		if seen[m[1]] {
			t.Errorf("%s is in the ledger twice", m[1])
		}
		seen[m[1]] = true
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		code, err := os.ReadFile(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\((A\d+)\)`).FindAllStringSubmatch(string(code), -1) {
			if !seen[m[1]] {
				t.Errorf("%s refers to %s, which the ledger lacks", entry.Name(), m[1])
			}
		}
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		name := reflect.TypeFor[Config]().Field(i).Name
		switch name {
		case "Seed", "Start", "Account":
			continue // not assumptions
		}
		if !strings.Contains(ledger, "`"+name+"`") && !strings.Contains(ledger, "`"+name+".") {
			t.Errorf("the knob %s is not in the ledger", name)
		}
	}
}
