// Package caller speaks HTTP/1.1 over TLS to a webhook or an API server. It costs little, so that the server is what a measurement waits for:
// requests are written as they were made, and of an answer only what is needed is read.
package caller

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"steward.dev/bench/load/internal/reviews"
)

const patience = 10 * time.Second // what an API server waits by default

// Endpoint is what bodies are posted to.
type Endpoint struct {
	url    *url.URL
	config *tls.Config
}

// New reads the certificate that the server is trusted by, and if they are named the caller's own and its key.
func New(address, root, certificate, key string) (*Endpoint, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(root)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		RootCAs: x509.NewCertPool(), ServerName: parsed.Hostname(), NextProtos: []string{"http/1.1"}, CurvePreferences: []tls.CurveID{tls.CurveP256},
	}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate", root)
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &Endpoint{parsed, config}, nil
}

// Verdict is what a webhook says about one review.
type Verdict struct {
	Review   string   `json:"review"`
	Bytes    int      `json:"bytes"`
	Allowed  bool     `json:"allowed"`
	Message  string   `json:"message"`
	Warnings []string `json:"warnings"`
}

// Verdicts asks about each review once.
func (e *Endpoint) Verdicts(asked []reviews.Review) ([]Verdict, error) {
	on, err := e.dial()
	if err != nil {
		return nil, err
	}
	defer on.close()
	found := make([]Verdict, 0, len(asked))
	for _, one := range asked {
		body, err := on.call(e.request(one.Body))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.Name, err)
		}
		answer := admissionv1.AdmissionReview{}
		if err := json.Unmarshal(body, &answer); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", one.Name, err, body)
		}
		if answer.Response == nil || answer.Response.UID != one.UID {
			return nil, fmt.Errorf("%s: not an answer to this review: %s", one.Name, body)
		}
		verdict := Verdict{Review: one.Name, Bytes: len(one.Body), Allowed: answer.Response.Allowed, Warnings: answer.Response.Warnings}
		if answer.Response.Result != nil {
			verdict.Message = answer.Response.Result.Message
		}
		found = append(found, verdict)
	}
	return found, nil
}

func (e *Endpoint) request(body []byte) []byte {
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: kube-apiserver-admission\r\nContent-Length: %d\r\nAccept: application/json, */*\r\n"+
		"Content-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n", e.url.RequestURI(), e.url.Host, len(body))
	return append(head, body...)
}

type connection struct {
	tls    *tls.Conn
	reader *bufio.Reader
	body   bytes.Buffer
}

func (e *Endpoint) dial() (*connection, error) {
	made, err := tls.Dial("tcp", e.url.Host, e.config)
	if err != nil {
		return nil, err
	}
	return &connection{tls: made, reader: bufio.NewReaderSize(made, 16<<10)}, nil
}

func (c *connection) close() { _ = c.tls.Close() } // nothing is lost

// call sends a request and returns the body of a good answer, until the next call.
func (c *connection) call(request []byte) ([]byte, error) {
	if err := c.tls.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.tls.Write(request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	c.body.Reset()
	_, err = io.Copy(&c.body, answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("%s: %s", answer.Status, c.body.Bytes())
	}
	if answer.Close {
		return nil, errors.New("the connection is not kept")
	}
	return c.body.Bytes(), nil
}
