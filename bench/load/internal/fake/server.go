package fake

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"steward.dev/bench/load/internal/batch"
	"steward.dev/bench/load/internal/control"
	"steward.dev/bench/load/internal/pods"
	"steward.dev/bench/load/internal/reviews"
)

// Server is the API server and, by its other methods, what moves it.
type Server struct {
	store *store
	book  *batch.Book
	delay time.Duration
	speed float64 // how much faster than the clock its own times pass: bookmarks and the timeouts of watches

	mutex    sync.Mutex
	counts   map[string]int
	downTill time.Time
	down     chan struct{} // closed when an outage begins

	writes []control.Write // since the last Reset

	filled  int       // plain pods
	changed int       // of these by Change
	added   []pending // by the last Add
	numbers int       // given to annotated pods so far
}

// New makes a server without objects.
func New(book *batch.Book, delay time.Duration, speed float64) *Server {
	made := &Server{store: newStore(), book: book, delay: delay, speed: speed, counts: map[string]int{}, down: make(chan struct{})}
	for _, name := range append(pods.Namespaces(), reviews.Namespace) {
		space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("namespace-" + name)}}
		space.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
		made.store.put(made.store.shelves["namespaces"], "ADDED", made.store.stamp(space))
	}
	return made
}

// target is what a path names.
type target struct {
	group, version, space, plural, name string
}

// ServeHTTP takes a request as an API server does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to, isResource := parse(r.URL.Path)
	verb := verbOf(r, to)
	if isResource {
		s.count(verb + " " + to.plural)
	} else {
		s.count("get " + r.URL.Path)
	}
	if s.isDown() {
		refuse(w, r, http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "the server is not available")
		return
	}
	switch {
	case !isResource:
		discover(w, r)
	case to.plural == "selfsubjectaccessreviews":
		allow(w, r)
	case s.store.shelves[to.plural] == nil:
		refuse(w, r, http.StatusNotFound, metav1.StatusReasonNotFound, to.plural+" are not served")
	default:
		s.serve(w, r, verb, to)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, verb string, to target) {
	on, key := s.store.shelves[to.plural], to.space+"/"+to.name
	switch verb {
	case "list":
		s.list(w, r, on, to.space)
	case "watch":
		s.watch(w, r, on, to.space)
	case "get":
		s.get(w, r, on, key)
	case "create":
		s.create(w, r, on, to.space)
	case "update", "patch":
		s.change(w, r, on, key)
	case "delete":
		s.delete(w, r, on, key)
	default:
		refuse(w, r, http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, r.Method)
	}
}

// parse reads /api/v1/[namespaces/NS/]PLURAL[/NAME] and /apis/GROUP/VERSION/…; false for discovery.
func parse(path string) (target, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var to target
	switch {
	case len(parts) > 2 && parts[0] == "api":
		to.version, parts = parts[1], parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		to.group, to.version, parts = parts[1], parts[2], parts[3:]
	default:
		return to, false
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		to.space, parts = parts[1], parts[2:]
	}
	to.plural = parts[0]
	if len(parts) > 1 {
		to.name = parts[1]
	}
	return to, true
}

func verbOf(r *http.Request, to target) string {
	switch r.Method {
	case http.MethodGet:
		if to.name != "" {
			return "get"
		}
		if watched := r.URL.Query().Get("watch"); watched == "true" || watched == "1" || watched == "True" {
			return "watch"
		}
		return "list"
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	default:
		return strings.ToLower(r.Method)
	}
}

func (s *Server) count(what string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.counts[what]++
}

// Requests are those since the last Reset, by verb and resource.
func (s *Server) Requests() map[string]int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return maps.Clone(s.counts)
}

// Outage breaks every watch and answers 503 for this time.
func (s *Server) Outage(length time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.downTill = time.Now().Add(length)
	close(s.down)
	s.down = make(chan struct{})
}

func (s *Server) isDown() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return time.Now().Before(s.downTill)
}

func (s *Server) cut() <-chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.down
}

func (s *Server) compressed(length time.Duration) time.Duration {
	return time.Duration(float64(length) / s.speed)
}
