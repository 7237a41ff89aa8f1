package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
)

// A corpus is JSON lines: the first says what it is, each further one is an event of EventBridge's with fakes in place of identifiers, in the form in which a queue
// brings it.
const corpusVersion = 1

type corpusHead struct {
	Corpus  string `json:"corpus"`
	Version int    `json:"version"`
	Events  int    `json:"events"`
}

// lineMax bounds a line of a corpus, in bytes: EventBridge sends at most 256 KiB.
const lineMax = 512 << 10

// Corpus returns the events as a corpus. What is not JSON is left out.
func Corpus(events []json.RawMessage) []byte {
	f := NewFakes()
	var lines [][]byte
	for _, raw := range events {
		if line := f.JSON(raw); line != nil {
			lines = append(lines, line)
		}
	}
	head, err := json.Marshal(corpusHead{"backstop", corpusVersion, len(lines)})
	if err != nil {
		panic(err) // three values that always encode
	}
	return append(bytes.Join(append([][]byte{head}, lines...), []byte("\n")), '\n')
}

// ReadCorpus returns the events of a corpus. Errors name the line.
func ReadCorpus(data []byte) (events []json.RawMessage, err error) {
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, lineMax)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if n == 1 {
			var head corpusHead
			if json.Unmarshal(line, &head) != nil || head.Corpus == "" || head.Version != corpusVersion {
				return nil, fmt.Errorf("line 1: must say that it is a corpus of version %d", corpusVersion)
			}
			continue
		}
		if len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			return nil, fmt.Errorf("line %d: is not JSON", n)
		}
		events = append(events, bytes.Clone(line))
	}
	return events, lines.Err()
}
