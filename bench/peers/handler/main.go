// Handler is a validating webhook in Go, as one is written by hand: net/http, encoding/json and the types of k8s.io/api. It asks of pods what
// a DevOpsPolicy asks; with -allow it asks nothing, which is the least that a webhook can cost.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const bodyLimit = 7 << 20 // as controller-runtime: two objects of what an API server takes

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	certificate := flag.String("certificate", "", "file of the certificate")
	key := flag.String("key", "", "file of its key")
	file := flag.String("policies", "", "file with a JSON list of DevOpsPolicies")
	allow := flag.Bool("allow", false, "say yes and look at nothing")
	flag.Parse()

	var policies []policy
	if !*allow {
		raw, err := os.ReadFile(*file)
		if err == nil {
			err = json.Unmarshal(raw, &policies)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	routes.HandleFunc("POST /validate", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		review := &admissionv1.AdmissionReview{}
		if err == nil {
			err = json.Unmarshal(body, review)
		}
		if err != nil || review.Request == nil {
			http.Error(w, "no AdmissionReview", http.StatusBadRequest)
			return
		}
		answer := &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		if !*allow {
			if err := judge(review.Request, policies, answer); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(admissionv1.AdmissionReview{ // the caller may be gone
			TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Response: answer,
		})
	})
	server := &http.Server{
		Addr: *address, Handler: routes, ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{NextProtos: []string{"http/1.1"}, CurvePreferences: []tls.CurveID{tls.CurveP256}},
	}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}
