// Admission calls a webhook as an API server does, over kept connections, and says in one line of JSON how long the answers took, or with
// -check what they say. With -pods it posts good pods instead of reviews, to an API server.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"time"

	"steward.dev/bench/load/internal/caller"
	"steward.dev/bench/load/internal/reviews"
)

func main() {
	url := flag.String("url", "", "where the server is")
	root := flag.String("root", "", "file of the certificate that it is trusted by")
	certificate := flag.String("certificate", "", "file of the caller's certificate, if the server asks for one")
	key := flag.String("key", "", "file of its key")
	connections := flag.Int("connections", 1, "connections, each with one call at a time")
	length := flag.Duration("for", time.Second, "how long")
	rate := flag.Float64("rate", 0, "calls a second; 0: as many as are answered")
	check := flag.Bool("check", false, "say what the answers are")
	show := flag.Bool("print", false, "call nobody, say what the reviews are")
	pods := flag.Bool("pods", false, "post pods, not reviews")
	flag.Parse()
	if *show {
		say(reviews.All())
		return
	}
	server, err := caller.New(*url, *root, *certificate, *key)
	if err != nil {
		log.Fatal(err)
	}
	var found any
	if *check {
		found, err = server.Verdicts(reviews.All())
	} else {
		found, err = server.Load(bodies(*pods), caller.Load{Connections: *connections, Length: *length, Rate: *rate})
	}
	if err != nil {
		log.Fatal(err)
	}
	say(found)
}

func say(found any) {
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

func bodies(pods bool) [][]byte {
	if pods {
		return [][]byte{reviews.Good(1), reviews.Good(2)}
	}
	var made [][]byte
	for _, one := range reviews.All() {
		made = append(made, one.Body)
	}
	return made
}
