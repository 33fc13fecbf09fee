// Package batch keeps the book of annotated pods: when each was told, and when both of its objects were there.
package batch

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Child is one of the two objects of a pod.
type Child int

// The two objects.
const (
	Service Child = iota
	Slice
)

type line struct {
	told  time.Time
	found [2]time.Time
}

func (l *line) done() time.Time {
	if l.found[Service].IsZero() || l.found[Slice].IsZero() {
		return time.Time{}
	}
	if l.found[Service].After(l.found[Slice]) {
		return l.found[Service]
	}
	return l.found[Slice]
}

// Book is safe for concurrent use.
type Book struct {
	mutex sync.Mutex
	lines map[types.UID]*line
}

// Summary is what a phase came to. Times are milliseconds, moments seconds since 1970.
type Summary struct {
	Pods      int     `json:"pods"`
	Done      int     `json:"done"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	Max       float64 `json:"max"`
	FirstTold float64 `json:"firstTold"`
	LastTold  float64 `json:"lastTold"`
	LastDone  float64 `json:"lastDone"`
}

// Begin forgets the pods so far and expects these.
func (b *Book) Begin(pods []types.UID) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.lines = make(map[types.UID]*line, len(pods))
	for _, uid := range pods {
		b.lines[uid] = &line{}
	}
}

// Told notes that a pod has its address now.
func (b *Book) Told(pod types.UID, at time.Time) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if found := b.lines[pod]; found != nil {
		found.told = at
	}
}

// Found notes that an object of a pod is there; only the first time counts.
func (b *Book) Found(pod types.UID, child Child, at time.Time) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if found := b.lines[pod]; found != nil && found.found[child].IsZero() {
		found.found[child] = at
	}
}

// Summary looks at the pods of the last Begin.
func (b *Book) Summary() Summary {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	made := Summary{Pods: len(b.lines)}
	var waits []time.Duration
	for _, one := range b.lines {
		if !one.told.IsZero() {
			made.FirstTold = earlier(made.FirstTold, one.told)
			made.LastTold = max(made.LastTold, seconds(one.told))
		}
		if done := one.done(); !done.IsZero() {
			made.LastDone = max(made.LastDone, seconds(done))
			waits = append(waits, done.Sub(one.told))
		}
	}
	made.Done = len(waits)
	slices.Sort(waits)
	made.P50, made.P99, made.Max = quantile(waits, 0.50), quantile(waits, 0.99), quantile(waits, 1)
	return made
}

// quantile is the nearest rank, in milliseconds.
func quantile(sorted []time.Duration, part float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := min(int(part*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[rank]) / float64(time.Millisecond)
}

func seconds(moment time.Time) float64 { return float64(moment.UnixNano()) / 1e9 }

func earlier(first float64, other time.Time) float64 {
	if first == 0 {
		return seconds(other)
	}
	return min(first, seconds(other))
}
