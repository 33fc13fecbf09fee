package fake

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"steward.dev/bench/load/internal/control"
	"steward.dev/bench/load/internal/pods"
)

// Put makes objects, or lays them over those that are there.
func (s *Server) Put(objects []json.RawMessage) error {
	for _, raw := range objects {
		head := metav1.PartialObjectMetadata{}
		if err := json.Unmarshal(raw, &head); err != nil {
			return err
		}
		at := slices.IndexFunc(kinds, func(one kind) bool { return one.gvk.Kind == head.Kind })
		if at < 0 {
			return fmt.Errorf("%s is not served", head.Kind)
		}
		if err := s.lay(s.store.shelves[kinds[at].plural], head, raw); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) lay(on *shelf, head metav1.PartialObjectMetadata, raw []byte) error {
	s.store.mutex.Lock()
	defer s.store.mutex.Unlock()
	value, what := on.fresh(), "MODIFIED"
	found := on.objects[head.Namespace+"/"+head.Name]
	var err error
	if found != nil {
		err = merge(found, raw, value)
	} else if _, _, err = wires[jsonFormat].Decode(raw, nil, value); err == nil {
		what = "ADDED"
		accessor := value.(metav1.Object)
		accessor.SetCreationTimestamp(metav1.Now())
		accessor.SetUID(types.UID(fmt.Sprintf("put-%s-%s", head.Namespace, head.Name)))
	}
	if err != nil {
		return err
	}
	s.store.put(on, what, s.store.stamp(value))
	return nil
}

// Change takes the tag from the image of plain pods that still have theirs.
func (s *Server) Change(ctx context.Context, count int, rate float64) ([]control.Told, error) {
	changed := make([]*object, count)
	for i := range changed {
		pod := pods.Plain(s.changed + i)
		pods.Manage(pod)
		pod.SetGroupVersionKind(s.store.shelves["pods"].gvk)
		image := &pod.Spec.Containers[0].Image
		*image = (*image)[:strings.LastIndex(*image, ":")]
		s.store.mutex.Lock()
		changed[i] = s.store.stamp(pod)
		s.store.mutex.Unlock()
		changed[i].pack()
	}
	s.changed += count
	told := make([]control.Told, count)
	began := time.Now()
	for i, one := range changed {
		time.Sleep(time.Until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		told[i] = control.Told{Namespace: one.space, At: moment(time.Now())}
		s.file("MODIFIED", one)
	}
	return told, nil
}

// Expire ends every watch and makes the versions so far too old.
func (s *Server) Expire() {
	s.store.mutex.Lock()
	s.store.expired = s.store.version
	s.store.version++
	s.store.mutex.Unlock()
	s.Outage(0)
}

// Objects are all of a resource.
func (s *Server) Objects(resource string) []json.RawMessage {
	s.store.mutex.Lock()
	defer s.store.mutex.Unlock()
	var found []json.RawMessage
	if on := s.store.shelves[resource]; on != nil {
		for _, one := range on.list() {
			found = append(found, one.bytes(jsonFormat))
		}
	}
	return found
}

// Writes are those since the last Reset.
func (s *Server) Writes() []control.Write {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.writes)
}

func (s *Server) record(verb string, on *shelf, key string, bytes int, at time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.writes = append(s.writes, control.Write{Verb: verb, Resource: on.plural, Key: key, Bytes: bytes, At: moment(at)})
}

func moment(at time.Time) float64 { return float64(at.UnixNano()) / 1e9 }
