// Load is the side of a benchmark that a peer works for: an API server of its own, or a hand that moves a real one. It says where it is
// moved by the harness in one line of JSON, and ends when its input does.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"steward.dev/bench/load/internal/batch"
	"steward.dev/bench/load/internal/control"
	"steward.dev/bench/load/internal/fake"
	"steward.dev/bench/load/internal/real"
)

func main() {
	existing := flag.String("kubeconfig", "", "move the real API server of this kubeconfig; without it a fake one is served")
	directory := flag.String("directory", ".", "where the kubeconfig of the fake server is written")
	delay := flag.Duration("delay", 3*time.Millisecond, "what a write takes at the fake server")
	speed := flag.Float64("speed", 1, "how many times faster bookmarks come and watches end at the fake server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	book, path := &batch.Book{}, *existing
	var cluster control.Cluster
	var err error
	if path != "" {
		cluster, err = real.New(ctx, path, book)
	} else {
		server := fake.New(book, *delay, *speed)
		cluster = server
		path, err = serveTLS(http.Handler(server), *directory)
	}
	if err != nil {
		log.Fatal(err)
	}
	url, err := serveControl(control.Handler(cluster, book))
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"control": url, "kubeconfig": path}); err != nil {
		log.Fatal(err)
	}
	untilClosed(ctx, os.Stdin)
}
