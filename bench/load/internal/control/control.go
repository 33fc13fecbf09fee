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

// Handler serves POST /fill?count= /add?count=&running= /run?rate= /reset /outage?seconds= and GET /batch /requests.
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
	do("GET /batch", func(*http.Request) (any, error) { return book.Summary(), nil })
	do("GET /requests", func(*http.Request) (any, error) { return cluster.Requests(), nil })
	return routes
}

func number(r *http.Request, name string) int {
	found, _ := strconv.Atoi(r.FormValue(name)) // the harness is the only caller, and 0 does nothing
	return found
}
