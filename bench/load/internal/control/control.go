// Package control lets the harness move a cluster, fake or real, by HTTP on the loopback interface.
package control

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"steward.dev/bench/load/internal/batch"
)

// Cluster is what pods are put into.
type Cluster interface {
	// Fill makes the number of pods that ask for nothing this.
	Fill(ctx context.Context, count int) error
	// Add makes pods that ask for a headless Service and opens a new page of the book for them; pending, or running with an address.
	Add(ctx context.Context, count int, running bool) error
	// Run gives the pods of the last Add their addresses, so many a second.
	Run(ctx context.Context, rate float64) error
	// Reset removes what was added, and what peers made for it.
	Reset(ctx context.Context) error
	// Requests counts those of the peer since the last Reset, by verb and resource.
	Requests() map[string]int
	// Outage answers every request with 503 for this time.
	Outage(length time.Duration)
}

// Governed is a cluster with policies, whose writes are written down.
type Governed interface {
	// Put makes an object of a list of JSON, or lays it over the one that is there (RFC 7386).
	Put(objects []json.RawMessage) error
	// Change makes further plain pods break a rule that they kept, so many a second, and says when each was told.
	Change(ctx context.Context, count int, rate float64) ([]Told, error)
	// Expire ends every watch, and forgets all versions so far: whoever watched has to list anew.
	Expire()
	// Objects are all of a resource, in the order of their names.
	Objects(resource string) []json.RawMessage
	// Writes are those of the peer since the last Reset.
	Writes() []Write
}

// Told is the moment, in seconds since 1970, at which a change was sent.
type Told struct {
	Namespace string  `json:"namespace"`
	At        float64 `json:"at"`
}

// Write is a request that writes, and when it was read.
type Write struct {
	Verb     string  `json:"verb"`
	Resource string  `json:"resource"`
	Key      string  `json:"key"` // namespace/name
	Bytes    int     `json:"bytes"`
	At       float64 `json:"at"`
}

// Handler serves POST /fill?count= /add?count=&running= /run?rate= /reset /outage?seconds= and GET /batch /requests, where there are policies
// also POST /put /change?count=&rate= /expire and GET /objects?resource= /writes.
func Handler(cluster Cluster, book *batch.Book) http.Handler {
	routes := http.NewServeMux()
	do := func(pattern string, work func(*http.Request) (any, error)) {
		routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			answer, err := work(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer) // the harness is gone when this fails
		})
	}
	do("POST /fill", func(r *http.Request) (any, error) { return nil, cluster.Fill(r.Context(), number(r, "count")) })
	do("POST /add", func(r *http.Request) (any, error) {
		return nil, cluster.Add(r.Context(), number(r, "count"), r.FormValue("running") == "true")
	})
	do("POST /run", func(r *http.Request) (any, error) { return nil, cluster.Run(r.Context(), float64(number(r, "rate"))) })
	do("POST /reset", func(r *http.Request) (any, error) { return nil, cluster.Reset(r.Context()) })
	do("POST /outage", func(r *http.Request) (any, error) {
		cluster.Outage(time.Duration(number(r, "seconds")) * time.Second)
		return nil, nil
	})
	if governed, ok := cluster.(Governed); ok {
		do("POST /put", func(r *http.Request) (any, error) {
			var objects []json.RawMessage
			if err := json.NewDecoder(r.Body).Decode(&objects); err != nil {
				return nil, err
			}
			return nil, governed.Put(objects)
		})
		do("POST /change", func(r *http.Request) (any, error) {
			return governed.Change(r.Context(), number(r, "count"), float64(number(r, "rate")))
		})
		do("POST /expire", func(*http.Request) (any, error) {
			governed.Expire()
			return nil, nil
		})
		do("GET /objects", func(r *http.Request) (any, error) { return governed.Objects(r.FormValue("resource")), nil })
		do("GET /writes", func(*http.Request) (any, error) { return governed.Writes(), nil })
	}
	do("GET /batch", func(*http.Request) (any, error) { return book.Summary(), nil })
	do("GET /requests", func(*http.Request) (any, error) { return cluster.Requests(), nil })
	return routes
}

func number(r *http.Request, name string) int {
	found, _ := strconv.Atoi(r.FormValue(name)) // the harness is the only caller, and 0 does nothing
	return found
}
