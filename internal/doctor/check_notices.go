package doctor

import (
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/wording"
)

func checkReceivers(x *exam) verdict {
	switch f := x.f; {
	case f.receivers == 0:
		return okay("none is configured; docs/notices.md")
	case f.tried == nil:
		return okay("%s, not tried; --notify sends each a test", wording.Count(f.receivers, "receiver"))
	}
	var wrong []string
	fix := wording.ReceiverRemedy.Command
	for _, t := range x.f.tried {
		if t.Err == nil {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s: %v", t.Receiver, t.Err))
		if t.Hint != "" {
			fix = t.Hint + "; then " + wording.ReceiverRemedy.Command
		}
	}
	if len(wrong) > 0 {
		return bad(Fail, fix, "%d of %s took no test: %s", len(wrong), wording.Count(len(x.f.tried), "receiver"), strings.Join(wrong, "; "))
	}
	return okay("%s took a test", wording.Count(len(x.f.tried), "receiver"))
}
