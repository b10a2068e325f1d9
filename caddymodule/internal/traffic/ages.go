package traffic

import (
	"sync/atomic"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// Ages counts deliveries by when they were sent; see api.DeliveryAges.
type Ages struct {
	TooOld, Future, Missing, Unjudged atomic.Uint64
}

func (a *Ages) snapshot() api.DeliveryAges {
	return api.DeliveryAges{
		TooOld: a.TooOld.Load(), Future: a.Future.Load(), Missing: a.Missing.Load(), Unjudged: a.Unjudged.Load(),
	}
}
