package dashboard

import "time"

const (
	// refreshDefault is how often the source is asked whether something changed while a page is open.
	refreshDefault = 2 * time.Second
	// streamsMax bounds the pages that are kept up to date at once; further ones are refused and poll slowly.
	streamsMax = 64
	// streamKeepAlive is how often a quiet stream says something, so that proxies and browsers keep it.
	streamKeepAlive = 15 * time.Second
	// sourceTimeout bounds one question to the source.
	sourceTimeout = 15 * time.Second

	// orderTimeout bounds the recording of an order: longer than it waits for a pass that is under way.
	orderTimeout = 40 * time.Second

	// timelinesMax is how many workloads' histories are kept in memory; the one that was not looked at for longest goes.
	timelinesMax = 16
	// recentFor is the time that the line of a workload in the overview shows, recentWorkloads of how many it is kept at once,
	// recentSteps how many decisions of each (about 700 bytes), and recentPoints how many points a line gets.
	recentFor       = time.Hour
	recentWorkloads = 200
	recentSteps     = 300
	recentPoints    = 60
	// recentFresh is how long what was read for it is not read again: many pages may show many workloads.
	recentFresh = 10 * time.Second
	// trendFor is how far back the trend of a shortage looks, trendLeast how long ago at least.
	trendFor   = 5 * time.Minute
	trendLeast = 30 * time.Second
	// stepsMax bounds the decisions kept of one workload, about 700 bytes each: one every two minutes for 30 days.
	stepsMax = 20_000
	// marksMax and lostMax bound the remarks and the interruptions kept of one workload.
	marksMax = 5_000
	lostMax  = 50_000
	// pageEntries is how many journal entries are read at once, up to about 20 MB.
	pageEntries = 2_000
	// lateFor is how late an entry may be written after its own time: the journal's time is AWS's, and an outcome is
	// written after the calls. What is so recent is read again.
	lateFor = 2 * time.Minute

	// historyMax is the longest time that can be shown, and insightFor how far interruptions are counted back.
	historyMax = 31 * 24 * time.Hour
	insightFor = 30 * 24 * time.Hour
	// pointsMax is how many points a chart gets: more than a screen has pixels.
	pointsMax = 2_000
	// marksShown is how many remarks an answer holds, the newest.
	marksShown = 300

	// savingsWorkloadsMax is up to how many workloads the savings of all are added up for the overview, which takes the
	// whole month's journal of each.
	savingsWorkloadsMax = 20

	// intentBytesMax bounds the body of an order, loginBytesMax that of a login.
	intentBytesMax = 4 << 10
	loginBytesMax  = 4 << 10
	// reasonBytesMax and byBytesMax bound what is kept of an order in the state.
	reasonBytesMax = 500
	byBytesMax     = 100
	// orderMax bounds an order's life: a longer one is a policy.
	orderMax = 366 * 24 * time.Hour

	// tokenBytesMin is the shortest token that is taken: shorter ones can be guessed.
	tokenBytesMin = 16
	// sessionFor is how long a login lasts, sessionsMax how many there can be.
	sessionFor  = 12 * time.Hour
	sessionsMax = 100
	// loginFailuresMax is how many wrong tokens are looked at within loginWindow; then none is.
	loginFailuresMax = 10
	loginWindow      = time.Minute
)
