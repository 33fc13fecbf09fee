package fake

import (
	"bufio"
	"math"
	"net/http"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const bookmarkInterval = time.Minute // apiserver/pkg/storage/cacher, bookmarkFrequency

// watch streams what happens on a shelf until the caller leaves, its timeout passes or an outage begins.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, on *shelf, space string) {
	asked, err := viewOf(r, space)
	if err != nil {
		refuse(w, r, http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
		return
	}
	if since := sinceOf(r); since > 0 && s.store.isExpired(since) {
		refuse(w, r, http.StatusGone, metav1.StatusReasonExpired, "too old resource version")
		return
	}
	as := on.format(r)
	w.Header().Set("Content-Type", mediaTypes[as]+map[format]string{protobufFormat: ";stream=watch"}[as])
	w.WriteHeader(http.StatusOK)
	stream := &stream{out: bufio.NewWriterSize(w, 64<<10), flush: http.NewResponseController(w).Flush, as: as, asked: asked}

	timeout, bookmark := s.after(r.URL.Query().Get("timeoutSeconds")), time.NewTicker(s.compressed(bookmarkInterval))
	defer bookmark.Stop()
	position := s.begin(stream, r, on)
	for {
		s.store.mutex.Lock()
		events, news := on.log[position:], on.news
		s.store.mutex.Unlock()
		for _, one := range events {
			stream.send(one.what, one.object)
		}
		position += len(events)
		if stream.flushed() != nil {
			return
		}
		select {
		case <-news:
		case <-bookmark.C:
			stream.bookmark(on.kind, false)
		case <-timeout:
			return
		case <-s.cut():
			panic(http.ErrAbortHandler) // the connection breaks, as with a server that dies
		case <-r.Context().Done():
			return
		}
	}
}

// begin sends the initial events if they are asked for, and says from where in the log to go on.
func (s *Server) begin(stream *stream, r *http.Request, on *shelf) int {
	initial := r.URL.Query().Get("sendInitialEvents") == "true"
	since := sinceOf(r)
	s.store.mutex.Lock()
	position, version := on.since(since), s.store.version
	var all []*object
	if initial || since == 0 {
		all, position = on.list(), len(on.log)
	}
	s.store.mutex.Unlock()
	for _, one := range all {
		stream.send("ADDED", one)
	}
	stream.version = since
	if all != nil {
		stream.version = version
	}
	if initial {
		stream.bookmark(on.kind, true)
	}
	return position
}

// sinceOf is 0 for now.
func sinceOf(r *http.Request) uint64 {
	since, _ := strconv.ParseUint(r.URL.Query().Get("resourceVersion"), 10, 64)
	return since
}

func (s *store) isExpired(version uint64) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return version <= s.expired
}

func (s *Server) after(seconds string) <-chan time.Time {
	asked, err := strconv.Atoi(seconds)
	if err != nil || asked <= 0 {
		return time.After(math.MaxInt64)
	}
	return time.After(s.compressed(time.Duration(asked) * time.Second))
}

type stream struct {
	out     *bufio.Writer
	flush   func() error
	as      format
	asked   view
	version uint64 // of the last event
	err     error
}

func (s *stream) send(what string, one *object) {
	s.version = one.version
	if s.asked.shows(one) {
		s.write(frame(what, one.bytes(s.as), s.as))
	}
}

func (s *stream) bookmark(of kind, endsList bool) {
	value := of.fresh()
	accessor, err := meta.Accessor(value)
	if err != nil {
		panic(err) // all kinds have metadata
	}
	accessor.SetResourceVersion(strconv.FormatUint(s.version, 10))
	if endsList {
		accessor.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	}
	s.write(frame("BOOKMARK", encode(value, s.as), s.as))
	_ = s.flushed() // asked again by the loop
}

func (s *stream) write(framed []byte) {
	if s.err == nil {
		_, s.err = s.out.Write(framed)
	}
}

func (s *stream) flushed() error {
	if s.err == nil && s.out.Buffered() > 0 {
		if s.err = s.out.Flush(); s.err == nil {
			s.err = s.flush()
		}
	}
	return s.err
}
