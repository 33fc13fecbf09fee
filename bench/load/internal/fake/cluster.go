package fake

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"steward.dev/bench/load/internal/pods"
)

// pending is a pod of the last Add.
type pending struct {
	number int
	uid    types.UID
}

// Fill makes the number of plain pods this.
func (s *Server) Fill(_ context.Context, count int) error {
	shelf := s.store.shelves["pods"]
	if count < s.filled {
		s.store.mutex.Lock()
		shelf.clear(func(*object) bool { return false })
		s.store.mutex.Unlock()
		s.filled = 0
	}
	made := make([]*object, count-s.filled)
	var group sync.WaitGroup
	for part := range runtime.NumCPU() {
		group.Go(func() {
			for i := part; i < len(made); i += runtime.NumCPU() {
				made[i] = s.packed(pods.Plain(s.filled + i))
			}
		})
	}
	group.Wait()
	s.filled = count
	s.store.mutex.Lock()
	shelf.sorted = nil
	for _, one := range made {
		shelf.objects[one.key] = one
	}
	s.store.mutex.Unlock()
	// The pods stay and hold no pointers that move; what collecting there is shall not fall into a measurement.
	debug.FreeOSMemory()
	return nil
}

func (s *Server) packed(pod *corev1.Pod) *object {
	pods.Manage(pod)
	pod.SetGroupVersionKind(s.store.shelves["pods"].gvk)
	s.store.mutex.Lock()
	made := s.store.stamp(pod)
	s.store.mutex.Unlock()
	made.pack()
	return made
}

// Add makes pods that ask for a headless Service.
func (s *Server) Add(_ context.Context, count int, running bool) error {
	s.added = make([]pending, count)
	uids := make([]types.UID, count)
	for i := range s.added {
		s.numbers++
		pod := pods.Annotated(s.numbers)
		s.added[i] = pending{s.numbers, pod.UID}
		uids[i] = pod.UID
	}
	s.book.Begin(uids)
	for _, one := range s.added {
		pod := pods.Annotated(one.number)
		if running {
			pods.Run(pod, one.number)
			s.book.Told(one.uid, time.Now())
		}
		s.file("ADDED", s.packed(pod))
	}
	return nil
}

// Run gives the pods of the last Add their addresses, so many a second. What watchers get is encoded before the first is sent.
func (s *Server) Run(ctx context.Context, rate float64) error {
	ready := make([]*object, len(s.added))
	for i, one := range s.added {
		pod := pods.Annotated(one.number)
		pods.Run(pod, one.number)
		ready[i] = s.packed(pod)
	}
	began := time.Now()
	for i, pod := range ready {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		if err := ctx.Err(); err != nil {
			return err
		}
		s.book.Told(s.added[i].uid, time.Now())
		s.file("MODIFIED", pod)
	}
	return nil
}

func (s *Server) file(what string, made *object) {
	s.store.mutex.Lock()
	defer s.store.mutex.Unlock()
	s.store.put(s.store.shelves["pods"], what, made)
}

// Reset removes annotated pods and all that peers made. No peer is running.
func (s *Server) Reset(context.Context) error {
	s.store.mutex.Lock()
	for plural, one := range s.store.shelves {
		one.clear(func(held *object) bool {
			return plural == "namespaces" || plural == "pods" && held.space != pods.BatchNamespace
		})
	}
	s.store.mutex.Unlock()
	s.mutex.Lock()
	clear(s.counts)
	s.writes = nil
	s.mutex.Unlock()
	s.book.Begin(nil)
	debug.FreeOSMemory()
	return nil
}
