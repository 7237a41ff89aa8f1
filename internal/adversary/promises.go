package adversary

// Steps of a run that are checked.
const (
	commits = iota
	actions
	acknowledgements
	decisions
	endings
	scenes

	stepKinds
)

// Checked counts the steps that were checked.
type Checked [stepKinds]int

// promises are what is checked at each kind of step; docs/guarantees.md says what they mean.
var promises = [stepKinds]struct {
	step  string
	names []string
}{
	commits: {"commits", []string{"generations_in_line", "state_is_kept", "commit_on_what_was_loaded", "demand_is_somebodys_will", "evidence_is_true",
		"evidence_keeps_its_time", "intents_stand", "assumed_from_what_is_held"}},
	actions: {"actions at their effect", []string{"intent_before_act", "one_writer_at_a_time", "act_within_lease", "one_act_per_generation", "quiet_when_told",
		"nothing_lowered_before_it_serves"}},
	acknowledgements: {"acknowledged messages", []string{"committed_before_acknowledged", "nothing_unread_is_deleted"}},
	decisions: {"decisions", []string{"time_is_awss", "running_is_true", "listing_is_whole",
		"action_names_a_pool", "asked_covers_demand", "count_in_range", "cover_comes_first", "evidence_counts_once", "generation_is_the_callers",
		"in_service_is_there", "nothing_lowered_before_it_serves", "observe_changes_nothing", "on_demand_max_holds", "one_count_per_pool",
		"owner_is_not_written", "pause_changes_nothing", "raises_are_bounded", "reason_is_known", "score_within_share", "state_is_bounded", "trips_have_evidence",
		"unread_is_untouched"}},
	endings: {"ends of trouble", []string{"converges", "cover_in_time", "messages_are_acknowledged", "nothing_panics", "nothing_that_holds_is_contradicted", "run_never_ends"}},
	scenes: {"scenes", []string{"capacity_is_back", "cover_is_bounded", "demand_is_kept", "losses_are_covered", "nothing_lowered_before_it_serves",
		"nothing_outlives_its_need", "only_losses_are_covered", "owner_is_not_written", "spend_is_bounded", "trouble_is_told"}},
}

// ends notes that the calm has come.
func (w *watch) ends() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checked[endings]++
}
