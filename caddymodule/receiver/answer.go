package receiver

import (
	"net/http"
	"strconv"
)

// jsonType is shared by all answers: assigning it saves an allocation a request.
var jsonType = []string{"application/json"}

// answer is a body and its Content-Length. Those of events are made once: like
// the other headers' values they are shared by all answers, which saves an allocation each.
type answer struct {
	body   []byte
	length []string
}

func newAnswer(body []byte) answer {
	return answer{body: body, length: []string{strconv.Itoa(len(body))}}
}

// writeJSON writes a whole answer. That the client may be gone is no error of ours:
// the event is stored or refused all the same.
func writeJSON(w http.ResponseWriter, status int, a answer) error {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = a.length
	h["Cache-Control"] = noStore
	w.WriteHeader(status)
	_, _ = w.Write(a.body)
	return nil
}

var noStore = []string{"no-store"}

// The bodies of the 200s.
const (
	answerStored     = `{"status":"stored"}` + "\n"
	answerDuplicate  = `{"status":"duplicate"}` + "\n"
	answerUnreadable = `{"status":"unreadable"}` + "\n"
)

var (
	sayStored     = newAnswer([]byte(answerStored))
	sayDuplicate  = newAnswer([]byte(answerDuplicate))
	sayUnreadable = newAnswer([]byte(answerUnreadable))
)
