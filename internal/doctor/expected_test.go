package doctor_test

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/witness"
)

// warnedOtherwise lets Spot warn as it did until 2023, while a guard listens.
func (l *lab) warnedOtherwise() {
	l.t.Helper()
	ctx := l.t.Context()
	watch := witness.New(must[[]control.Workload](l)(app.Workloads(l.file, l.cfg.Region)), l.box.Now)
	parse := watch.Listening(ecsevent.Parse)
	l.box.World(func(w *ecsim.World) {
		w.Configure(func(c *ecsim.Config) { c.WarningForm = ecsim.WarningTerminationNotice })
		w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 1, "", false)
	})
	queue, url := sqs.NewFromConfig(l.cfg), l.box.QueueURL()
	for {
		got := must[*sqs.ReceiveMessageOutput](l)(queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})).Messages
		if len(got) == 0 {
			break
		}
		for i := range got {
			if _, _, err := parse([]byte(aws.ToString(got[i].Body))); err != nil {
				l.t.Fatal(err)
			}
			must[*sqs.DeleteMessageOutput](l)(queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: got[i].ReceiptHandle}))
		}
	}
	store := must[control.Store](l)(app.OpenStore(ctx, l.file))
	defer func() { _ = store.Close() }()
	if err := watch.Keep(ctx, store); err != nil {
		l.t.Fatal(err)
	}
	l.advance(10 * time.Minute)
	l.pass()
}
