package function_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// momentsMax bounds the moments of a workload that are looked for: a book remembers the last 256.
const momentsMax = 150

func (g *ground) makeTopic() {
	if _, err := sns.NewFromConfig(g.aws()).CreateTopic(context.Background(), &sns.CreateTopicInput{Name: aws.String("notices")}); err != nil {
		g.t.Fatal(err)
	}
}

// bePatient keeps messages in the queue however often those die who have received them. Five times are enough for a
// message that nobody can read; here processes live for a second.
func (g *ground) bePatient() {
	policy := fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:%s","maxReceiveCount":1000}`, region, account, sandbox.EventsDeadLetterQueue)
	if _, err := sqs.NewFromConfig(g.aws()).SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(g.box.QueueURL()), Attributes: map[string]string{"RedrivePolicy": policy}}); err != nil {
		g.t.Fatal(err)
	}
}

// told checks that whatever the dead committed was told, or is about to be by the one who comes after them.
func (g *ground) told(t *testing.T, names []string) {
	t.Helper()
	f := g.function(function.Options{Config: g.config(noticesToo), Now: fast(g.epoch)})
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for {
		if _, err := f.Invoke(context.Background(), schedule); err != nil {
			t.Errorf("the one who comes after them: %v", err)
		}
		untold, moments := g.untold(t, names)
		if len(untold) == 0 {
			t.Logf("%d moments, all told of; %d messages were sent", moments, len(g.box.Notices()))
			return
		}
		select {
		case <-ticker.C: // a lease of the dead may hold
		case <-deadline:
			t.Errorf("of %d moments these were never told of: %q", moments, untold)
			return
		}
	}
}

// untold returns the moments in the journal that are in no message, sent or about to be.
func (g *ground) untold(t *testing.T, names []string) (untold []string, moments int) {
	t.Helper()
	said := map[string]bool{}
	full := map[string]bool{} // workloads with a message that had no room for more
	hear := func(m *notice.Message) {
		for _, what := range m.What {
			said[what] = true
		}
		full[m.Workload] = full[m.Workload] || len(m.What) >= 10
	}
	for _, n := range g.box.Notices() {
		var m notice.Message
		if err := json.Unmarshal([]byte(n.Attributes["json"]), &m); err != nil {
			t.Fatalf("a message has the facts %q: %v", n.Attributes["json"], err)
		}
		hear(&m)
	}
	pages, err := g.store().Pages(context.Background(), names)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		var b notice.Book
		if err := json.Unmarshal(page.Body, &b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Letters {
			hear(&b.Letters[i].Message)
		}
	}
	for _, name := range names {
		entries, err := g.store().Journal(context.Background(), journal.Query{Workload: name, Kinds: []journal.Kind{journal.KindNotice}, Limit: momentsMax})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			kind, _, _ := strings.Cut(strings.TrimPrefix(e.Notice.Key, name+"/"), "/")
			if kind != "mode" && kind != "trip" && kind != "restored" {
				continue
			}
			if moments++; !said[e.Notice.Text] && !full[name] {
				untold = append(untold, e.Notice.Key)
			}
		}
	}
	return untold, moments
}
