package admin

import (
	"net/http"
	"testing"
)

func TestCheckRate(t *testing.T) {
	for _, rate := range []float64{0, -1, 0.001, 10001} {
		_, err := checkRate(&rate)
		wantRefusal(t, err, http.StatusBadRequest, "must be 0.01 to 10000")
	}
	fine := 2.5
	if got, err := checkRate(&fine); got != fine || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := checkRate(nil); got != 100 || err != nil {
		t.Errorf("without one: %v, %v", got, err)
	}
}
