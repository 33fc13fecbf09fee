package caller

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Load says how an endpoint is called.
type Load struct {
	Connections int
	Length      time.Duration
	Rate        float64 // calls a second over all connections; 0: each connection calls again when it has its answer
}

// Summary is what came of it. Times are milliseconds, of all calls and not of a sample.
type Summary struct {
	Calls     int     `json:"calls"`
	PerSecond float64 `json:"perSecond"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	Max       float64 `json:"max"`
}

// Load posts these bodies for a while, one after the other. Every connection is open before the first call is timed. A lane ends at its first error.
func (e *Endpoint) Load(bodies [][]byte, load Load) (Summary, error) {
	requests := make([][]byte, len(bodies))
	for i, one := range bodies {
		requests[i] = e.request(one)
	}
	lanes := make([]*lane, load.Connections)
	for i := range lanes {
		on, err := e.dial()
		if err != nil {
			return Summary{}, err
		}
		defer on.close()
		lanes[i] = &lane{on: on, requests: requests, next: i}
		if _, err := on.call(requests[i%len(requests)]); err != nil {
			return Summary{}, err
		}
	}
	var group sync.WaitGroup
	clock := &clock{began: time.Now(), rate: load.Rate}
	clock.ends = clock.began.Add(load.Length)
	for _, one := range lanes {
		group.Go(func() { one.run(clock) })
	}
	group.Wait()
	took := time.Since(clock.began)
	var waits []time.Duration
	var failed error
	for _, one := range lanes {
		waits, failed = append(waits, one.waits...), errors.Join(failed, one.failed)
	}
	slices.Sort(waits)
	return Summary{
		Calls: len(waits), PerSecond: float64(len(waits)) / took.Seconds(),
		P50: rank(waits, 0.50), P99: rank(waits, 0.99), Max: rank(waits, 1),
	}, failed
}

// clock says when a call is due.
type clock struct {
	began, ends time.Time
	rate        float64
	calls       atomic.Int64
}

// wait returns the moment from which a call counts, or false at the end. A call that comes late because all lanes were taken counts from when
// it was due; what sleeping takes longer than it should is not the server's.
func (c *clock) wait() (time.Time, bool) {
	now := time.Now()
	if c.rate == 0 {
		return now, now.Before(c.ends)
	}
	due := c.began.Add(time.Duration(float64(c.calls.Add(1)-1) / c.rate * float64(time.Second)))
	if !due.Before(c.ends) {
		return due, false
	}
	if now.Before(due) {
		time.Sleep(due.Sub(now))
		return time.Now(), true
	}
	return due, true
}

// lane is one connection with one call at a time.
type lane struct {
	on       *connection
	requests [][]byte
	next     int
	waits    []time.Duration
	failed   error
}

func (l *lane) run(clock *clock) {
	for {
		began, more := clock.wait()
		if !more {
			return
		}
		if _, l.failed = l.on.call(l.requests[l.next%len(l.requests)]); l.failed != nil {
			return
		}
		l.waits = append(l.waits, time.Since(began))
		l.next++
	}
}

// rank is the nearest rank, in milliseconds.
func rank(sorted []time.Duration, part float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]) / float64(time.Millisecond)
}
