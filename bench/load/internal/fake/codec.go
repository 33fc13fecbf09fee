package fake

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// format is how objects travel.
type format int

const (
	jsonFormat format = iota
	protobufFormat
)

var (
	codecs     = serializer.NewCodecFactory(scheme.Scheme)
	mediaTypes = [2]string{runtime.ContentTypeJSON, runtime.ContentTypeProtobuf}
	wires      = [2]runtime.Serializer{wire(runtime.ContentTypeJSON), wire(runtime.ContentTypeProtobuf)}
)

func wire(mediaType string) runtime.Serializer {
	info, _ := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), mediaType)
	return info.Serializer
}

// accepted is what the caller likes best.
func accepted(r *http.Request) format {
	if strings.HasPrefix(r.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
		return protobufFormat
	}
	return jsonFormat
}

func decode(r *http.Request, body []byte, into runtime.Object) error {
	sent := jsonFormat
	if strings.HasPrefix(r.Header.Get("Content-Type"), runtime.ContentTypeProtobuf) {
		sent = protobufFormat
	}
	_, _, err := wires[sent].Decode(body, nil, into)
	return err
}

func encode(value runtime.Object, as format) []byte {
	var buffer bytes.Buffer
	if err := wires[as].Encode(value, &buffer); err != nil {
		panic(fmt.Sprintf("%T: %v", value, err)) // all kinds are of the scheme
	}
	return bytes.TrimRight(buffer.Bytes(), "\n")
}

// frame is one event as it stands in a watch.
func frame(event string, object []byte, as format) []byte {
	if as == jsonFormat {
		return fmt.Appendf(nil, `{"type":%q,"object":%s}`+"\n", event, object)
	}
	message := metav1.WatchEvent{Type: event, Object: runtime.RawExtension{Raw: object}}
	raw, err := message.Marshal()
	if err != nil {
		panic(err) // a message of two fields
	}
	var framed bytes.Buffer
	if _, err := protobuf.LengthDelimitedFramer.NewFrameWriter(&framed).Write(raw); err != nil {
		panic(err) // memory
	}
	return framed.Bytes()
}

func answer(w http.ResponseWriter, r *http.Request, code int, value runtime.Object) {
	as := accepted(r)
	send(w, code, as, encode(value, as))
}

func send(w http.ResponseWriter, code int, as format, body []byte) {
	w.Header().Set("Content-Type", mediaTypes[as])
	w.WriteHeader(code)
	_, _ = w.Write(body) // the caller may be gone
}

func refuse(w http.ResponseWriter, r *http.Request, code int, reason metav1.StatusReason, message string) {
	status := &metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message,
	}
	answer(w, r, code, status)
}
