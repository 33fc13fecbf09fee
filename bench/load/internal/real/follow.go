package real

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"

	"steward.dev/bench/load/internal/batch"
	"steward.dev/bench/load/internal/pods"
)

var children = map[schema.GroupVersionResource]batch.Child{
	{Version: "v1", Resource: "services"}:                                  batch.Service,
	{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}: batch.Slice,
}

// follow notes the moment at which each child of a pod is seen in a watch, of metadata only: that is the least work beside a measurement.
func follow(ctx context.Context, config *rest.Config, book *batch.Book) error {
	client, err := metadata.NewForConfig(metadata.ConfigFor(config))
	if err != nil {
		return err
	}
	for resource, child := range children {
		source := client.Resource(resource).Namespace(pods.BatchNamespace)
		listed, err := source.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		watcher, err := toolswatch.NewRetryWatcherWithContext(ctx, listed.ResourceVersion, &cache.ListWatch{
			WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
				return source.Watch(ctx, options)
			},
		})
		if err != nil {
			return err
		}
		go note(watcher, child, book)
	}
	return nil
}

func note(watcher watch.Interface, child batch.Child, book *batch.Book) {
	for event := range watcher.ResultChan() {
		if meta, ok := event.Object.(*metav1.PartialObjectMetadata); ok && event.Type == watch.Added {
			if owner := metav1.GetControllerOf(meta); owner != nil {
				book.Found(owner.UID, child, time.Now())
			}
		}
	}
}
