package control

import (
	"log/slog"
	"time"
)

// Keys of structured log lines, everywhere in the program. Messages are constant phrases; what varies is an
// attribute under one of these.
const (
	KeyWorkload   = "workload"
	KeyReason     = "reason"
	KeyMode       = "mode"
	KeyDemand     = "demand"
	KeyInService  = "in_service"
	KeyMissing    = "missing"
	KeyActions    = "actions"
	KeyWithheld   = "withheld"
	KeyAction     = "action"
	KeyPlan       = "plan"
	KeyPool       = "pool"
	KeyService    = "service"
	KeyRegion     = "region"
	KeyGeneration = "generation"
	KeyResult     = "result"
	KeyErr        = "err"
	KeyUnread     = "unread"
	KeyKind       = "kind"
	KeyHint       = "hint"
	KeySeverity   = "severity"
	KeyOwner      = "owner"
	KeyMessageID  = "message_id"
	KeyMessages   = "messages"
	KeySignals    = "signals"
	KeyTook       = "took"
	KeyAt         = "at"
	KeyDropped    = "dropped"
	KeyWorkloads  = "workloads"
	KeyTick       = "tick"
)

// LogAttr writes durations with their unit ("1.5s"): slog's own JSON gives bare nanoseconds. It is meant for
// slog.HandlerOptions.ReplaceAttr.
func LogAttr(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().Round(time.Microsecond).String())
	}
	return a
}
