package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

var (
	version  = schema.GroupVersion{Group: "policy.steward.dev", Version: "v1alpha1"}
	policies = version.WithResource("devopspolicies")
	results  = version.WithResource("policyauditresults")
)

const listed = 500 // violations of an audit result

type controller struct {
	client   dynamic.Interface
	start    []interface{ Start(<-chan struct{}) }
	synced   []cache.InformerSynced
	pods     corelisters.PodLister
	policies cache.GenericLister
	queue    workqueue.TypedRateLimitingInterface[types.NamespacedName]
}

func newController(typed kubernetes.Interface, client dynamic.Interface) (*controller, error) {
	pods := informers.NewSharedInformerFactoryWithOptions(typed, 0, informers.WithTransform(onlyWhatIsRead))
	custom := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	podInformer, policyInformer := pods.Core().V1().Pods(), custom.ForResource(policies)
	made := &controller{
		client:   client,
		start:    []interface{ Start(<-chan struct{}) }{pods, custom},
		synced:   []cache.InformerSynced{podInformer.Informer().HasSynced, policyInformer.Informer().HasSynced},
		pods:     podInformer.Lister(),
		policies: policyInformer.Lister(),
		queue:    workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]()),
	}
	for informer, wake := range map[cache.SharedIndexInformer]func(any){
		podInformer.Informer(): made.wakeNamespace, policyInformer.Informer(): made.wake,
	} {
		handlers := cache.ResourceEventHandlerFuncs{AddFunc: wake, UpdateFunc: func(_, object any) { wake(object) }, DeleteFunc: wake}
		if _, err := informer.AddEventHandler(handlers); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (c *controller) wake(object any) {
	if key, err := cache.DeletionHandlingObjectToName(object); err == nil {
		c.queue.Add(types.NamespacedName{Namespace: key.Namespace, Name: key.Name})
	}
}

func (c *controller) wakeNamespace(pod any) {
	key, err := cache.DeletionHandlingObjectToName(pod)
	if err != nil {
		return
	}
	found, _ := c.policies.ByNamespace(key.Namespace).List(labels.Everything()) // from the cache
	for _, one := range found {
		c.wake(one)
	}
}

func (c *controller) run(ctx context.Context, workers int, tick time.Duration) {
	for _, one := range c.start {
		one.Start(ctx.Done())
	}
	if !cache.WaitForCacheSync(ctx.Done(), c.synced...) {
		return
	}
	for range workers {
		go wait.UntilWithContext(ctx, c.work, time.Second)
	}
	go wait.UntilWithContext(ctx, func(context.Context) {
		found, _ := c.policies.List(labels.Everything()) // from the cache
		for _, one := range found {
			c.wake(one)
		}
	}, tick)
	<-ctx.Done()
	c.queue.ShutDown()
}

func (c *controller) work(ctx context.Context) {
	for {
		key, over := c.queue.Get()
		if over {
			return
		}
		if err := c.reconcile(ctx, key); err != nil {
			log.Print(err)
			c.queue.AddRateLimited(key)
		} else {
			c.queue.Forget(key)
		}
		c.queue.Done(key)
	}
}

func (c *controller) reconcile(ctx context.Context, key types.NamespacedName) error {
	object, err := c.policies.ByNamespace(key.Namespace).Get(key.Name)
	if err != nil {
		return nil // it is gone
	}
	found := object.(*unstructured.Unstructured)
	asked := &policy{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, asked); err != nil {
		return err
	}
	pods, err := c.pods.Pods(key.Namespace).List(labels.Everything())
	if err != nil {
		return err
	}
	verdict := judge(pods, asked.Spec, time.Now())
	wanted := status{
		ObservedGeneration: asked.Generation, Healthy: verdict.score >= 80, HealthScore: verdict.score, Violations: len(verdict.violations),
		Message: fmt.Sprintf("%d violations across %d pods", len(verdict.violations), verdict.pods),
	}
	wanted.LastEvaluated = asked.Status.LastEvaluated
	if reflect.DeepEqual(wanted, asked.Status) {
		return nil
	}
	wanted.LastEvaluated = time.Now().UTC().Format(time.RFC3339)
	return c.write(ctx, found, wanted, verdict)
}

func (c *controller) write(ctx context.Context, of *unstructured.Unstructured, wanted status, verdict verdict) error {
	body, err := json.Marshal(map[string]any{"status": wanted})
	if err != nil {
		return err
	}
	space := c.client.Resource(policies).Namespace(of.GetNamespace())
	if _, err := space.Patch(ctx, of.GetName(), types.MergePatchType, body, metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	spec := map[string]any{
		"policyName": of.GetName(), "timestamp": wanted.LastEvaluated, "healthScore": wanted.HealthScore, "totalPods": int64(verdict.pods),
		"totalViolations": int64(len(verdict.violations)), "violations": verdict.told(listed),
	}
	result := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	result.SetGroupVersionKind(version.WithKind("PolicyAuditResult"))
	result.SetNamespace(of.GetNamespace())
	result.SetName(fmt.Sprintf("%s-%d", of.GetName(), time.Now().UnixMilli()))
	result.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(of, of.GroupVersionKind())})
	_, err = c.client.Resource(results).Namespace(of.GetNamespace()).Create(ctx, result, metav1.CreateOptions{})
	return err
}

// onlyWhatIsRead keeps of a pod what is judged.
func onlyWhatIsRead(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return nil, fmt.Errorf("expected a Pod, got %T", object)
	}
	kept := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion, DeletionTimestamp: pod.DeletionTimestamp,
			CreationTimestamp: pod.CreationTimestamp, OwnerReferences: pod.OwnerReferences,
		},
		Spec:   corev1.PodSpec{Containers: lean(pod.Spec.Containers), InitContainers: lean(pod.Spec.InitContainers)},
		Status: corev1.PodStatus{Phase: pod.Status.Phase},
	}
	for _, one := range pod.Status.ContainerStatuses {
		kept.Status.ContainerStatuses = append(kept.Status.ContainerStatuses, corev1.ContainerStatus{Name: one.Name, RestartCount: one.RestartCount})
	}
	return kept, nil
}

func lean(containers []corev1.Container) []corev1.Container {
	var kept []corev1.Container
	for _, one := range containers {
		made := corev1.Container{Name: one.Name, Image: one.Image, Resources: one.Resources}
		if one.LivenessProbe != nil {
			made.LivenessProbe = &corev1.Probe{}
		}
		if one.ReadinessProbe != nil {
			made.ReadinessProbe = &corev1.Probe{}
		}
		kept = append(kept, made)
	}
	return kept
}
