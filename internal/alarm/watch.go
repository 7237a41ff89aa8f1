package alarm

import "time"

// Spell is a time in which an alarm was in the state ALARM. End is zero while it is.
type Spell struct {
	Alarm      string
	Begin, End time.Time
}

// Watch keeps the state of alarms and when they fired and ended.
type Watch struct {
	Alarms []Alarm
	Spells []Spell

	states map[string]State
}

// NewWatch returns a watch of alarms that were made just now.
func NewWatch(alarms []Alarm) *Watch {
	w := &Watch{Alarms: alarms, states: make(map[string]State, len(alarms))}
	for i := range alarms {
		w.states[alarms[i].Name] = Insufficient
	}
	return w
}

// Look evaluates every alarm, as CloudWatch does once a minute.
func (w *Watch) Look(d *Data, now time.Time) {
	for i := range w.Alarms {
		a := &w.Alarms[i]
		was := w.states[a.Name]
		is := a.Evaluate(d, now, was)
		w.states[a.Name] = is
		switch {
		case is == Alarming && was != Alarming:
			w.Spells = append(w.Spells, Spell{Alarm: a.Name, Begin: now})
		case is != Alarming && was == Alarming:
			for k := range w.Spells {
				if s := &w.Spells[k]; s.Alarm == a.Name && s.End.IsZero() {
					s.End = now
				}
			}
		}
	}
}

// State returns the state of an alarm.
func (w *Watch) State(name string) State { return w.states[name] }
