package stdio

import "testing"

// Whatever a program writes, only the word "done" makes an event done.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"id":7,"results":[{"result":"retry","after":"30s","error":"busy"}]}`, `{"id":7,"results":[{"result":"done"}]}`,
		`{"id":7,"results":["done"]}`, `{"id":7,"results":[null]}`, `{"id":-1}`, `{"id":1e3}`, "null", "got event 1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		a, ok, wrong := parseAnswer(line)
		if ok != (a.ID != nil) || wrong != nil && len(a.Results) > 0 {
			t.Fatalf("%+v, %v, %v", a, ok, wrong)
		}
		for _, r := range a.Results {
			if (r.outcome() == nil) != (r.Result == "done") {
				t.Errorf("%+v is taken for done", r)
			}
		}
	})
}
