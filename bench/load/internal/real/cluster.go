// Package real moves pods through a real API server, and watches for what a peer makes of them.
package real

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"

	"steward.dev/bench/load/internal/batch"
	"steward.dev/bench/load/internal/pods"
)

// parallel requests when filling and clearing: more do not make an API server on two cores faster.
const parallel = 16

// Cluster is a real API server without nodes and controllers; nobody but the peer acts on the pods.
type Cluster struct {
	client  kubernetes.Interface
	book    *batch.Book
	filled  int
	added   []pending
	numbers int
}

type pending struct {
	number int
	pod    *corev1.Pod
}

// New connects to the API server of a kubeconfig and begins to watch Services and EndpointSlices.
func New(ctx context.Context, kubeconfig string, book *batch.Book) (*Cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	typed := rest.CopyConfig(config)
	typed.ContentType = runtime.ContentTypeProtobuf
	client, err := kubernetes.NewForConfig(typed)
	if err != nil {
		return nil, err
	}
	for _, name := range pods.Namespaces() {
		space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, space, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, err
		}
	}
	return &Cluster{client: client, book: book}, follow(ctx, config, book)
}

// Fill adds plain pods until there are so many.
func (c *Cluster) Fill(ctx context.Context, count int) error {
	if count < c.filled {
		return fmt.Errorf("there are %d pods; a real cluster is only filled, not emptied, to save hours", c.filled)
	}
	from := c.filled
	c.filled = count
	return each(count-from, func(i int) error {
		made, err := c.create(ctx, pods.Plain(from+i))
		if err != nil {
			return err
		}
		return c.run(ctx, made, from+i)
	})
}

// Add makes pods that ask for a headless Service.
func (c *Cluster) Add(ctx context.Context, count int, running bool) error {
	added := make([]pending, count)
	first := c.numbers
	c.numbers += count
	err := each(count, func(i int) error {
		made, err := c.create(ctx, pods.Annotated(first+i))
		added[i] = pending{first + i, made}
		return err
	})
	if err != nil {
		return err
	}
	c.added = added
	uids := make([]types.UID, count)
	for i, one := range added {
		uids[i] = one.pod.UID
	}
	c.book.Begin(uids)
	if !running {
		return nil
	}
	return each(count, func(i int) error { return c.tell(ctx, added[i]) })
}

// Run gives the pods of the last Add their addresses, so many a second, as long as the server keeps up.
func (c *Cluster) Run(ctx context.Context, rate float64) error {
	began := time.Now()
	failures := make(chan error, len(c.added))
	for i, one := range c.added {
		time.Sleep(time.Until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		go func() { failures <- c.tell(ctx, one) }()
	}
	var failed error
	for range c.added {
		failed = errors.Join(failed, <-failures)
	}
	return failed
}

// Reset deletes annotated pods and what peers made of them, and the leases.
func (c *Cluster) Reset(ctx context.Context) error {
	core, space := c.client.CoreV1(), pods.BatchNamespace
	now := metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}
	all := metav1.ListOptions{ResourceVersion: "0"}
	services, err := core.Services(space).List(ctx, all)
	if err != nil {
		return err
	}
	slices, err := c.client.DiscoveryV1().EndpointSlices(space).List(ctx, all)
	if err != nil {
		return err
	}
	batch, err := core.Pods(space).List(ctx, all)
	if err != nil {
		return err
	}
	c.book.Begin(nil)
	return errors.Join(
		each(len(batch.Items), func(i int) error { return gone(core.Pods(space).Delete(ctx, batch.Items[i].Name, now)) }),
		each(len(services.Items), func(i int) error { return gone(core.Services(space).Delete(ctx, services.Items[i].Name, now)) }),
		each(len(slices.Items), func(i int) error {
			return gone(c.client.DiscoveryV1().EndpointSlices(space).Delete(ctx, slices.Items[i].Name, now))
		}),
		c.client.CoordinationV1().Leases(metav1.NamespaceDefault).DeleteCollection(ctx, now, metav1.ListOptions{}),
	)
}

// Requests are counted by the fake server only.
func (c *Cluster) Requests() map[string]int { return nil }

// Outage is made by the fake server only.
func (c *Cluster) Outage(time.Duration) {}

func (c *Cluster) create(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	return c.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
}

// tell gives a pod its address; the book has the moment at which the server has confirmed it.
func (c *Cluster) tell(ctx context.Context, one pending) error {
	err := c.run(ctx, one.pod, one.number)
	c.book.Told(one.pod.UID, time.Now())
	return err
}

func (c *Cluster) run(ctx context.Context, pod *corev1.Pod, number int) error {
	running := pod.DeepCopy()
	pods.Run(running, number)
	body, err := json.Marshal(map[string]any{"status": running.Status})
	if err != nil {
		return err
	}
	_, err = c.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	return err
}

func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// each calls work for 0 to count-1, some at a time, and stops early at an error.
func each(count int, work func(int) error) error {
	var group sync.WaitGroup
	var mutex sync.Mutex
	var next int
	var failed error
	for range min(parallel, count) {
		group.Go(func() {
			for {
				mutex.Lock()
				i := next
				next++
				over := failed != nil || i >= count
				mutex.Unlock()
				if over {
					return
				}
				if err := work(i); err != nil {
					mutex.Lock()
					failed = errors.Join(failed, err)
					mutex.Unlock()
				}
			}
		})
	}
	group.Wait()
	return failed
}
