package main

import (
	"context"
	"errors"
	"log"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
)

type controller struct {
	client    kubernetes.Interface
	factories []informers.SharedInformerFactory
	pods      corelisters.PodLister
	services  corelisters.ServiceLister
	slices    discoverylisters.EndpointSliceLister
	queue     workqueue.TypedRateLimitingInterface[types.NamespacedName]
	recorder  events.EventRecorder
	together  bool
}

type options struct {
	resync         time.Duration
	together, lean bool
}

func newController(ctx context.Context, client kubernetes.Interface, how options) (*controller, error) {
	stripPod := cache.TransformFunc(withoutManagedFields)
	if how.lean {
		stripPod = onlyWhatIsRead
	}
	pods := informers.NewSharedInformerFactoryWithOptions(client, how.resync, informers.WithTransform(stripPod))
	services := informers.NewSharedInformerFactoryWithOptions(client, how.resync, informers.WithTransform(withoutManagedFields))
	slices := informers.NewSharedInformerFactoryWithOptions(client, how.resync, informers.WithTransform(withoutManagedFields),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.LabelSelector = discoveryv1.LabelManagedBy + "=" + sliceManager
		}))
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	made := &controller{
		client:    client,
		factories: []informers.SharedInformerFactory{pods, services, slices},
		pods:      pods.Core().V1().Pods().Lister(),
		services:  services.Core().V1().Services().Lister(),
		slices:    slices.Discovery().V1().EndpointSlices().Lister(),
		queue:     workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]()),
		recorder:  broadcaster.NewRecorder(scheme.Scheme, "client-go-peer"),
		together:  how.together,
	}
	// A child that appears asks for nothing: to look again before its sibling is in the cache would only cost a request.
	child := cache.ResourceEventHandlerFuncs{UpdateFunc: func(_, object any) { made.wakeOwner(object) }, DeleteFunc: made.wakeOwner}
	for informer, handlers := range map[cache.SharedIndexInformer]cache.ResourceEventHandler{
		pods.Core().V1().Pods().Informer(): cache.ResourceEventHandlerFuncs{
			AddFunc: made.wakeSelf, UpdateFunc: func(_, object any) { made.wakeSelf(object) }, DeleteFunc: made.wakeSelf,
		},
		services.Core().V1().Services().Informer():          child,
		slices.Discovery().V1().EndpointSlices().Informer(): child,
	} {
		if _, err := informer.AddEventHandler(handlers); err != nil {
			return nil, err
		}
	}
	return made, broadcaster.StartRecordingToSinkWithContext(ctx)
}

// start fills the caches and returns when they are.
func (c *controller) start(ctx context.Context) {
	for _, factory := range c.factories {
		factory.StartWithContext(ctx)
	}
	for _, factory := range c.factories {
		factory.WaitForCacheSyncWithContext(ctx)
	}
}

// run works until ctx ends.
func (c *controller) run(ctx context.Context, workers int) {
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for c.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	c.queue.ShutDown()
	group.Wait()
}

func (c *controller) wakeSelf(object any) {
	if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok && pod.Annotations[annotation] == "true" {
		c.queue.Add(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
	}
}

func (c *controller) wakeOwner(object any) {
	if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	if child, ok := object.(metav1.Object); ok {
		if owner := metav1.GetControllerOf(child); owner != nil && owner.Kind == "Pod" {
			c.queue.Add(types.NamespacedName{Namespace: child.GetNamespace(), Name: owner.Name})
		}
	}
}

func (c *controller) next(ctx context.Context) bool {
	key, closed := c.queue.Get()
	if closed {
		return false
	}
	defer c.queue.Done(key)
	if err := c.reconcile(ctx, key); err != nil {
		log.Printf("%s: %v", key, err)
		c.queue.AddRateLimited(key)
	} else {
		c.queue.Forget(key)
	}
	return true
}

func (c *controller) reconcile(ctx context.Context, key types.NamespacedName) error {
	pod, err := c.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && !wanted(pod) {
		return nil
	}
	if err != nil {
		return err
	}
	if !c.together {
		if err := c.ensureService(ctx, pod); err != nil {
			return err
		}
		return c.ensureSlice(ctx, pod)
	}
	failed := make(chan error, 1)
	go func() { failed <- c.ensureSlice(ctx, pod) }()
	return errors.Join(c.ensureService(ctx, pod), <-failed)
}

func (c *controller) ensureService(ctx context.Context, pod *corev1.Pod) error {
	if _, err := c.services.Services(pod.Namespace).Get(pod.Name); !apierrors.IsNotFound(err) {
		return err
	}
	_, err := c.client.CoreV1().Services(pod.Namespace).Create(ctx, desiredService(pod), metav1.CreateOptions{})
	if err == nil {
		c.recorder.Eventf(pod, nil, corev1.EventTypeNormal, "HeadlessServiceCreated", "Create", "%s answers with %s", pod.Name, pod.Status.PodIP)
	}
	return ignoreExists(err)
}

func (c *controller) ensureSlice(ctx context.Context, pod *corev1.Pod) error {
	if _, err := c.slices.EndpointSlices(pod.Namespace).Get(pod.Name); !apierrors.IsNotFound(err) {
		return err
	}
	_, err := c.client.DiscoveryV1().EndpointSlices(pod.Namespace).Create(ctx, desiredSlice(pod), metav1.CreateOptions{})
	return ignoreExists(err)
}

// ignoreExists drops the error of a cache that is behind our own write.
func ignoreExists(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
