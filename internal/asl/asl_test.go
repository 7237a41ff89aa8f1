package asl

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/backstop-ecs/backstop/internal/runtask"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code makes; go test ./internal/asl -update, and read the difference", path)
	}
}

// TestTheModuleHasTheMachine.
func TestTheModuleHasTheMachine(t *testing.T) {
	got, err := Template()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../terraform/modules/run-task/machine.asl.json", got)
}

// TestTheMachineOfARequest has its settings in their place.
func TestTheMachineOfARequest(t *testing.T) {
	req := request()
	got, err := Machine(&req)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/job.asl.json", got)
	if !json.Valid(got) {
		t.Error("it is not JSON")
	}
}

// TestEachStateOfTheMachineIsReached, and no other is named.
func TestEachStateOfTheMachineIsReached(t *testing.T) {
	d := machine()
	named := map[string]bool{d.StartAt: true}
	for _, s := range d.States {
		for _, to := range []string{s.Next, s.Default} {
			named[to] = true
		}
		for _, r := range s.Choices {
			named[r.Next] = true
		}
		for _, c := range s.Catch {
			named[c.Next] = true
		}
		if end := s.Type == "Succeed" || s.Type == "Fail"; end == (s.Next != "" || s.Default != "") {
			t.Errorf("%s: where it goes on", s.name)
		}
	}
	delete(named, "")
	var there []string
	for _, s := range d.States {
		there = append(there, s.name)
	}
	slices.Sort(there)
	if got := slices.Sorted(maps.Keys(named)); !slices.Equal(got, there) {
		t.Errorf("named are %v, there are %v", got, there)
	}
}

// TestNoRoomMeansTheSameToBoth, to the machine's expression and to the command.
func TestNoRoomMeansTheSameToBoth(t *testing.T) {
	e := regexp.MustCompile("(?i)" + noRoom)
	for _, text := range []string{"Capacity is unavailable at this time. Please try again later or in a different availability zone", "You've reached the limit on the number of vCPUs you can run concurrently",
		"RESOURCE:MEMORY", "the RESOURCE:MEMORY", "AGENT", "", "ClientException: capacity is UNAVAILABLE"} {
		if got, want := e.MatchString(text), runtask.NoRoom(text); got != want {
			t.Errorf("%q: the machine says %v, the command %v", text, got, want)
		}
	}
}
