package fake

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// view is what a list or a watch asks for.
type view struct {
	space    string
	selector labels.Selector
}

func viewOf(r *http.Request, space string) (view, error) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	return view{space, selector}, err
}

func (v view) shows(one *object) bool {
	return (v.space == "" || v.space == one.space) && (v.selector.Empty() || v.selector.Matches(one.labels))
}

// list answers in JSON, whole or in pages: client-go, which would like protobuf, streams its lists.
func (s *Server) list(w http.ResponseWriter, r *http.Request, on *shelf, space string) {
	asked, err := viewOf(r, space)
	if err != nil {
		refuse(w, r, http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
		return
	}
	s.store.mutex.Lock()
	all, version := on.list(), s.store.version
	s.store.mutex.Unlock()

	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	position, _ := strconv.Atoi(r.URL.Query().Get("continue")) // our own token: where to go on
	var body bytes.Buffer
	listed, token := 0, ""
	for ; position < len(all); position++ {
		if !asked.shows(all[position]) {
			continue
		}
		if limit > 0 && listed == limit {
			token = strconv.Itoa(position)
			break
		}
		if listed > 0 {
			body.WriteByte(',')
		}
		body.Write(all[position].bytes(jsonFormat))
		listed++
	}
	head := fmt.Appendf(nil, `{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"%d","continue":%q},"items":[`,
		on.gvk.Kind+"List", on.gvk.GroupVersion(), version, token)
	w.Header().Set("Content-Type", mediaTypes[jsonFormat])
	for _, part := range [][]byte{head, body.Bytes(), []byte("]}")} {
		_, _ = w.Write(part) // the caller may be gone
	}
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, on *shelf, key string) {
	s.store.mutex.Lock()
	found := on.objects[key]
	s.store.mutex.Unlock()
	if found == nil {
		refuse(w, r, http.StatusNotFound, metav1.StatusReasonNotFound, on.plural+" "+key+" not found")
		return
	}
	as := on.format(r)
	send(w, http.StatusOK, as, found.bytes(as))
}
