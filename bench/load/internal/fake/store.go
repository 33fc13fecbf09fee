package fake

import (
	"sort"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// object is one version of one object. It is encoded when somebody first asks for it in a format, once for all.
type object struct {
	key     string // namespace/name
	space   string
	version uint64
	labels  labels.Set
	once    [2]sync.Once
	encoded [2][]byte
	value   runtime.Object // nil once both encodings are there and it was packed
}

func (o *object) bytes(as format) []byte {
	o.once[as].Do(func() { o.encoded[as] = encode(o.value, as) })
	return o.encoded[as]
}

// pack encodes ahead of time, so that no measurement pays for it, and drops the value.
func (o *object) pack() {
	o.bytes(jsonFormat)
	o.bytes(protobufFormat)
	o.value = nil
}

type event struct {
	what   string
	object *object
}

// shelf holds the objects of one kind, and all that happened to them since the last clear.
type shelf struct {
	kind
	objects map[string]*object
	sorted  []*object // nil when it has to be made anew
	log     []event
	news    chan struct{} // closed and replaced when the log grows
}

// store is all shelves, under one lock and one version.
type store struct {
	mutex   sync.Mutex
	version uint64
	expired uint64 // versions up to this one are too old to watch from
	shelves map[string]*shelf
}

func newStore() *store {
	made := &store{version: 1000, shelves: map[string]*shelf{}}
	for _, one := range kinds {
		made.shelves[one.plural] = &shelf{kind: one, objects: map[string]*object{}, news: make(chan struct{})}
	}
	return made
}

// stamp gives a value the next version and makes an object of it. The lock is held.
func (s *store) stamp(value runtime.Object) *object {
	s.version++
	accessor, err := meta.Accessor(value)
	if err != nil {
		panic(err) // all kinds have metadata
	}
	accessor.SetResourceVersion(strconv.FormatUint(s.version, 10))
	space := accessor.GetNamespace()
	return &object{key: space + "/" + accessor.GetName(), space: space, version: s.version, labels: accessor.GetLabels(), value: value}
}

// put files an object and tells the watchers. The lock is held.
func (s *store) put(on *shelf, what string, filed *object) {
	if on.objects[filed.key] == nil {
		on.sorted = nil
	} else if on.sorted != nil {
		at := sort.Search(len(on.sorted), func(i int) bool { return on.sorted[i].key >= filed.key })
		on.sorted[at] = filed
	}
	on.objects[filed.key] = filed
	on.tell(event{what, filed})
}

// remove takes an object away and tells the watchers. The lock is held.
func (s *store) remove(on *shelf, gone *object) {
	delete(on.objects, gone.key)
	on.sorted = nil
	on.tell(event{"DELETED", s.stamp(gone.value.DeepCopyObject())})
}

func (s *shelf) tell(what event) {
	s.log = append(s.log, what)
	close(s.news)
	s.news = make(chan struct{})
}

// list is all objects in the order of their keys; a copy of the pointers. The lock is held.
func (s *shelf) list() []*object {
	if s.sorted == nil {
		s.sorted = make([]*object, 0, len(s.objects))
		for _, one := range s.objects {
			s.sorted = append(s.sorted, one)
		}
		sort.Slice(s.sorted, func(i, j int) bool { return s.sorted[i].key < s.sorted[j].key })
	}
	return append([]*object(nil), s.sorted...)
}

// since is the position in the log after a version. The lock is held.
func (s *shelf) since(version uint64) int {
	return sort.Search(len(s.log), func(i int) bool { return s.log[i].object.version > version })
}

// clear forgets the log and the objects that keep refuses, without a word: nobody is watching. The lock is held.
func (s *shelf) clear(keep func(*object) bool) {
	for key, one := range s.objects {
		if !keep(one) {
			delete(s.objects, key)
		}
	}
	s.log, s.sorted = nil, nil
}
