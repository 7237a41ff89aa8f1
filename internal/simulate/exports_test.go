package simulate

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/trace"
)

// export is a file of testdata/exports.
func export(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "exports", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exports are the forms of the same 12 starts and 4 interruptions, and the lines of each that are no events.
func exports() map[string][]int {
	return map[string][]int{
		"array.json": nil, "concatenated-no-newline.json": nil, "export-task.gz": nil, "filter-log-events.json": nil, "foreign-line-in-the-middle.json": {9},
		"insights-console.csv": nil, "insights-results.json": nil, "ndjson.json": nil, "platform-line-first.json": {1}, "pretty-many.json": nil,
		"sns-envelopes.json": nil, "sqs-receive-message.json": nil, "subscription-filter.json": nil, "utf16-with-bom.json": nil,
	}
}

// TestEveryFormOfARecordingIsReadWhole: also where an item is nearly all that may be kept, so that lists and answers are entered.
func TestEveryFormOfARecordingIsReadWhole(t *testing.T) {
	for name, foreign := range exports() {
		for _, most := range []int{itemMax, 6 << 10, 2 << 10} {
			rec, err := readRecord(bytes.NewReader(export(t, name)), most)
			if err != nil {
				t.Errorf("%s, items of %d bytes: %v", name, most, err)
				continue
			}
			var left []int
			for _, p := range rec.left {
				left = append(left, p.line)
			}
			if rec.events != 16 || len(rec.facts) != 16 || !slices.Equal(left, foreign) {
				t.Errorf("%s, items of %d bytes: %d events, %d kept, lines %v left out; want 16 and %v", name, most, rec.events, len(rec.facts), left, foreign)
			}
		}
		tr, err := FromEvents(bytes.NewReader(export(t, name)), name, 12, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		at := []time.Duration{0, 13 * time.Minute, 13*time.Minute + time.Second, 13*time.Minute + 2*time.Second, 13*time.Minute + 3*time.Second}
		if !slices.Equal(tr.At, at) || !slices.Equal(tr.Values, []int{trace.NoLimit, 11, 10, 9, 8}) {
			t.Errorf("%s: %v at %v", name, tr.Values, tr.At)
		}
	}
}

func TestOneEventOverManyLinesIsRead(t *testing.T) {
	rec, err := readRecord(bytes.NewReader(export(t, "pretty-one.json")), itemMax)
	if err != nil || rec.events != 1 || len(rec.left) != 0 {
		t.Errorf("%+v, %v", rec, err)
	}
}

func TestARecordingOfTwoServicesIsReadByService(t *testing.T) {
	two := export(t, "two-services.json")
	if _, err := FromEvents(bytes.NewReader(two), "two", 12, nil); err == nil ||
		!strings.Contains(err.Error(), "it has 2 Spot services; choose with --service: prod/api-spot, prod/shop-spot") {
		t.Errorf("without a choice: %v", err)
	}
	for services, want := range map[string]string{
		"prod/api-spot":                "rebuilt from 16 events of prod/api-spot, ",
		"prod/shop-spot":               "rebuilt from 12 events of prod/shop-spot, ",
		"prod/api-spot,prod/shop-spot": "rebuilt from 28 events of prod/api-spot, prod/shop-spot, ",
	} {
		tr, err := FromEvents(bytes.NewReader(two), "two", 24, strings.Split(services, ","))
		if err != nil || !strings.HasPrefix(tr.Notes[0], want) {
			t.Errorf("%s: %v, %v", services, tr, err)
		}
	}
	if tr, err := FromEvents(bytes.NewReader(two), "two", 12, []string{"prod/api-spot"}); err != nil || !slices.Contains(tr.Notes, "left out: 12 events of other Spot services") {
		t.Errorf("what was left out is not said: %v, %v", tr, err)
	}
	if _, err := FromEvents(bytes.NewReader(two), "two", 12, []string{"prod/web"}); err == nil || !strings.Contains(err.Error(), "no Spot task of prod/web in it; there are tasks of prod/api-spot, prod/shop-spot") {
		t.Errorf("a service that is not there: %v", err)
	}
}

// TestWhatStandsAroundEventsCostsNone: made of the plain form.
func TestWhatStandsAroundEventsCostsNone(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(export(t, "ndjson.json"))), "\n")
	whole := strings.Join(lines, "\n")
	with := func(at int, foreign string) string {
		return strings.Join(slices.Insert(slices.Clone(lines), at, foreign), "\n")
	}
	inBase64 := "eyJ2ZXJzaW9uIjogIjAifQ=="
	for name, c := range map[string]struct {
		text         string
		events, left int
	}{
		"CRLF":                          {strings.ReplaceAll(whole, "\n", "\r\n"), 16, 0},
		"empty lines":                   {strings.ReplaceAll(whole, "\n", "\n\n \n"), 16, 0},
		"commas between":                {"[\n" + strings.Join(lines, ",\n") + "\n]", 16, 0},
		"a level before each":           {"[INFO] " + strings.Join(lines, "\n[INFO] {r-1} "), 16, 0},
		"an open brace":                 {with(3, "retry {"), 16, 1},
		"an open list":                  {with(3, "[ERROR] [1, {"), 16, 1},
		"an object that swallows":       {with(3, `{"x":`), 16, 1},
		"half an event":                 {with(3, lines[2][:200]), 16, 1},
		"half an event, at a brace":     {with(3, lines[2][:strings.Index(lines[2], `"detail": {`)+11]), 16, 1},
		"half an event at the end":      {whole + "\n" + lines[2][:200], 16, 1},
		"a text with a brace":           {with(3, `"a { b"`), 16, 1},
		"an event inside of a log line": {`{"level":"INFO","message":{"event":` + strings.Join(lines, "}}\n{\"level\":\"INFO\",\"message\":{\"event\":") + "}}", 16, 0},
		"another source":                {with(3, `{"source":"aws.ec2","detail-type":"x","time":"2026-11-03T09:02:00Z"}`), 17, 0},
		"a list with another element":   {"[" + with(3, "{},") + "]", 16, 2}, // no commas: the list breaks, and its events are found one by one
		"base64 of another thing":       {with(3, `{"data":"`+inBase64+`"}`), 16, 1},
		"ten foreign lines":             {strings.Repeat("START\n", 10) + whole, 16, 10},
	} {
		rec, err := readRecord(strings.NewReader(c.text), itemMax)
		if err != nil || rec.events != c.events || len(rec.left) != c.left {
			t.Errorf("%s: %+v, %v; want %d events, %d left out", name, rec, err, c.events, c.left)
		}
	}
}

// TestABrokenElementOfALongListIsCounted: with items so small that the list is entered, and so large that it is kept.
func TestABrokenElementOfALongListIsCounted(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(export(t, "ndjson.json"))), "\n")
	for name, comma := range map[string]string{"in one line": ",", "one a line": ",\n"} {
		list := "[" + strings.Join(slices.Insert(slices.Clone(lines), 12, "{bad}"), comma) + "]"
		for most, want := range map[int]int{4 << 10: 1, itemMax: 1} {
			if comma != "," && most == itemMax {
				want = 2 // the line in which the list begins, too
			}
			if rec, err := readRecord(strings.NewReader(list), most); err != nil || rec.events != 16 || len(rec.left) != want {
				t.Errorf("%s, items of %d bytes: %+v, %v", name, most, rec, err)
			}
		}
	}
}

func TestARecordingThatIsNotOneIsRefusedWithItsPlace(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(export(t, "ndjson.json"))), "\n")
	answer, list := string(export(t, "filter-log-events.json")), string(export(t, "array.json"))
	for name, c := range map[string]struct{ text, want string }{
		"eleven foreign lines":  {lines[0] + "\n" + strings.Repeat("START\n", 11), "more than 10 lines or objects are not events (line 2, line 3, line 4)"},
		"a list of other":       {"[" + strings.Join(lines, ",") + strings.Repeat(",{}", 11) + "]", "line 1 (element 17 of its list)"},
		"an answer, cut off":    {answer[:len(answer)/2], "line 1: the file ends in the middle of what begins here; it was cut off"},
		"a list, cut off":       {list[:len(list)/2], "line 1: the file ends in the middle of what begins here; it was cut off"},
		"columns, no message":   {"@timestamp,group\n1,2\n", "fields @timestamp, @message"},
		"a zip archive":         {"PK\x03\x04", "it is a zip archive; unpack it first"},
		"half an event":         {lines[0][:99], "the object that begins in line 1"},
		"no JSON":               {"\n\nhello", "no event in it: line 3 is not one"},
		"broken JSON":           {"\n{hello}", "no event in it: line 2: not JSON: invalid character"},
		"nothing":               {"", "no event in it"},
		"no Spot":               {strings.ReplaceAll(lines[0], "FARGATE_SPOT", "FARGATE"), "none of its 1 events is of a Fargate Spot task"},
		"two accounts together": {lines[0] + strings.ReplaceAll(lines[1], "111122223333", "444455556666"), "prod/api-spot is in 2 accounts or regions"},
	} {
		if _, err := FromEvents(strings.NewReader(c.text), "f", 12, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, most := range []int{4 << 10, 6 << 10} { // the answer is entered
		if _, err := readRecord(strings.NewReader(answer[:len(answer)/2]), most); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("items of %d bytes: %v", most, err)
		}
	}
}

// TestWhatAFunctionGetsIsRead: records as queues, topics, streams and log groups hand them to a function, with the events quoted or in base64.
func TestWhatAFunctionGetsIsRead(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(export(t, "ndjson.json"))), "\n")
	quote := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	packed := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(s))
		_ = z.Close()
		return base64.StdEncoding.EncodeToString(b.Bytes())
	}
	for name, record := range map[string]func(event string) string{
		"SQS": func(e string) string { return `{"messageId":"m","body":` + quote(e) + `,"eventSource":"aws:sqs"}` },
		"SNS": func(e string) string {
			return `{"EventSource":"aws:sns","Sns":{"Type":"Notification","Message":` + quote(e) + `}}`
		},
		"SNS behind SQS": func(e string) string {
			return `{"body":` + quote(`{"Type":"Notification","Message":`+quote(e)+`}`) + `}`
		},
		"Kinesis": func(e string) string {
			return `{"kinesis":{"data":"` + base64.StdEncoding.EncodeToString([]byte(e)) + `"}}`
		},
		"a subscription": func(e string) string {
			return `{"awslogs":{"data":"` + packed(`{"logEvents":[{"message":`+quote(e)+`}]}`) + `"}}`
		},
		"the console's":    func(e string) string { return `{"@timestamp":"2026-11-03 09:02:00.000","@message":` + e + `}` },
		"a function's own": func(e string) string { return `{"level":"INFO","message":` + quote("got "+e) + `}` },
	} {
		var records []string
		for _, e := range lines {
			records = append(records, record(e))
		}
		for _, text := range []string{`{"Records":[` + strings.Join(records, ",\n") + `]}`, strings.Join(records, "\n")} {
			for _, most := range []int{itemMax, 4 << 10} {
				if rec, err := readRecord(strings.NewReader(text), most); err != nil || rec.events != 16 || len(rec.left) != 0 {
					t.Errorf("%s, items of %d bytes: %+v, %v", name, most, rec, err)
				}
			}
		}
	}
}
